import type { KeyRecord, WatchResponse } from './store.js';

/** What one event costs beside its texts, roughly, in characters. */
const EVENT_OVERHEAD = 100;

/**
 * How much memory changes take while they are kept, in characters: with the record before, which the event keeps
 * alive, so that a deletion of something large weighs as much.
 */
export function weightOf({ events }: WatchResponse): number {
  return events.reduce((weight, { kv, previous }) => weight + weightOfChange(kv, previous), 0);
}

/** What one of them weighs: from the record before to the one after. */
export function weightOfChange(kv: KeyRecord, previous: KeyRecord | undefined): number {
  return kv.key.length + kv.value.length + (previous?.value.length ?? 0) + EVENT_OVERHEAD;
}
