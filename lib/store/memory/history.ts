import { CompactedError, InvalidArgumentError } from '../errors.js';
import { spanHolds } from '../key-span.js';
import type { KeyRecord, KeySpan, WatchEvent, WatchResponse } from '../store.js';
import { weightOfEvent } from '../weight.js';

/**
 * The last revisions and what each of them changed. Every event keeps the record before it, so the past is the
 * present with the later events taken back, and compaction is forgetting the oldest revisions.
 */
export class History {
  /** The newest revision. etcd's stores begin with 1, too. */
  revision = 1;

  /** Revisions up to this one cannot be watched, those below it cannot be read. */
  compactRevision = this.revision;

  /** Oldest first. Which revision an event belongs to its record tells: half a million are kept, so nothing is kept twice. */
  readonly #events: WatchEvent[] = [];
  readonly #maxWeight: number;
  #weight = 0;

  /** @param maxWeight how much to keep, in characters of keys and values */
  constructor(maxWeight: number) {
    this.#maxWeight = maxWeight;
  }

  get isOverweight(): boolean {
    return this.#weight > this.#maxWeight && this.revision - this.compactRevision > 1;
  }

  /** The revision of what is there now: of the changes that are not committed yet, if there are any. */
  get presentRevision(): number {
    return this.#events.at(-1)?.kv.modRevision ?? this.revision;
  }

  /** Takes in a change of the revision that is to come. */
  append(event: WatchEvent): void {
    this.#events.push(event);
    this.#weight += weightOfEvent(event);
  }

  /** Makes what was appended a revision. Answers whether there was anything. */
  commit(): boolean {
    const { presentRevision } = this;
    if (presentRevision === this.revision) return false;
    this.revision = presentRevision;
    return true;
  }

  /** Forgets the changes up to `revision`. */
  compact(revision: number): void {
    if (revision === this.compactRevision) throw compacted(revision, this.compactRevision);
    this.checkReadable(revision);
    for (const event of this.#events.splice(0, this.#indexAfter(revision)))
      this.#weight -= weightOfEvent(event);
    this.compactRevision = revision;
  }

  /**
   * The revision to compact at, so that half the weight allowed is left: compaction is then rare and costs little
   * for each write. The newest revision always stays, however heavy.
   */
  halfWeightRevision(): number {
    let weight = this.#weight;
    const lastForgotten = this.#events.find((event) => {
      weight -= weightOfEvent(event);
      return weight <= this.#maxWeight / 2;
    })!;
    return Math.min(lastForgotten.kv.modRevision, this.revision - 1);
  }

  checkReadable(revision: number): void {
    if (revision < this.compactRevision) throw compacted(revision, this.compactRevision);
    if (revision > this.revision) throw inFuture(revision, this.revision);
  }

  /** What the newest revision changed. */
  get newestChanges(): WatchResponse {
    return { revision: this.revision, events: this.#events.slice(this.#indexAfter(this.revision - 1)) };
  }

  /** What changed in a span above `revision`, revision by revision. */
  changesAfter(revision: number, span: KeySpan): WatchResponse[] {
    const changes: { revision: number; events: WatchEvent[] }[] = [];
    for (const event of this.#eventsAfter(revision, span)) {
      const last = changes.at(-1);
      if (last?.revision === event.kv.modRevision) last.events.push(event);
      else changes.push({ revision: event.kv.modRevision, events: [event] });
    }
    return changes;
  }

  /** The records that keys of a span had at `revision`, where they differ from now; undefined: there was none. */
  recordsBefore(revision: number, span: KeySpan): Map<string, KeyRecord | undefined> {
    this.checkReadable(revision);
    const records = new Map<string, KeyRecord | undefined>();
    for (const { kv, previous } of this.#eventsAfter(revision, span)) {
      if (!records.has(kv.key)) records.set(kv.key, previous);
    }
    return records;
  }

  #eventsAfter(revision: number, span: KeySpan): WatchEvent[] {
    if (revision < this.compactRevision) throw compacted(revision, this.compactRevision);
    return this.#events.slice(this.#indexAfter(revision)).filter(({ kv }) => spanHolds(span, kv.key));
  }

  /** Where the changes above `revision` begin. Who asks goes on to look at all of them, so a search could save little. */
  #indexAfter(revision: number): number {
    return this.#events.findLastIndex(({ kv }) => kv.modRevision <= revision) + 1;
  }
}

/** The part of a revision's changes that lies in a span; the same object when that is all of it. */
export function changesIn(span: KeySpan, changes: WatchResponse): WatchResponse | undefined {
  const events = changes.events.filter((event) => spanHolds(span, event.kv.key));
  if (events.length === 0) return undefined;
  return events.length === changes.events.length ? changes : { revision: changes.revision, events };
}

export function compacted(revision: number, compactRevision: number): CompactedError {
  return new CompactedError(
    `Revision ${revision} was asked for, but the store has compacted its history up to ${compactRevision}. ` +
      `Read the present state and go on from there.`,
    compactRevision + 1,
  );
}

function inFuture(revision: number, newest: number): InvalidArgumentError {
  return new InvalidArgumentError(`Revision ${revision} was asked for, but the newest is ${newest}.`);
}
