import { type KeyChange, PUT } from '../../../lib/kvi/key-change.js';
import type { KeyRange } from '../../../lib/kvi/kvi.js';
import type { Acknowledged } from './acknowledged.js';
import { compareBytes, isWithin } from './key-range.js';
import type { Replay } from './replay.js';

/** What a live view has shown at some moment. */
export interface ShownState {
  readonly revision: number;
  readonly entries: readonly (readonly [key: string, value: string])[];
}

/** A `sync` that has resolved. */
export interface Sync {
  readonly invokedAt: number;
  /** Of the view, right after. */
  readonly revision: number;
}

export interface ViewRecord {
  readonly name: string;
  readonly range: KeyRange;
  /** In the order in which it was shown. */
  readonly shown: readonly ShownState[];
  readonly syncs: readonly Sync[];
}

/**
 * Each state shown is the store's at that revision, revisions never go back, and after `sync` the view is not older than
 * what had been acknowledged to anybody when it was called.
 */
export function viewViolations(record: ViewRecord, replay: Replay, acknowledged: Acknowledged): string[] {
  const violations = [
    ...backwards(record.shown),
    ...neverWas(record, replay),
    ...outOfOrder(record.shown),
    ...notInStep(record.syncs, acknowledged),
  ];
  return violations.map((violation) => `${record.name}: ${violation}`);
}

function backwards(shown: readonly ShownState[]): string[] {
  return shown
    .slice(1)
    .flatMap(({ revision }, index) =>
      revision < shown[index]!.revision ? [`revision ${revision} after ${shown[index]!.revision}`] : [],
    );
}

function outOfOrder(shown: readonly ShownState[]): string[] {
  return shown.flatMap(({ revision, entries }) => {
    const keys = entries.map(([key]) => key);
    const isInOrder = keys.slice(1).every((key, index) => compareBytes(keys[index]!, key) < 0);
    return isInOrder ? [] : [`at revision ${revision} its keys were out of order: ${JSON.stringify(keys)}`];
  });
}

function neverWas({ range, shown }: ViewRecord, { changes }: Replay): string[] {
  const own = changes.filter(({ key }) => isWithin(range, key));
  const state = new Map<string, string>();
  let next = 0;
  return shown
    .toSorted((a, b) => a.revision - b.revision)
    .flatMap(({ revision, entries }) => {
      for (; next < own.length && own[next]!.revision <= revision; next++) apply(own[next]!, state);
      const difference = differenceOf(state, new Map(entries));
      return difference === undefined ? [] : [`at revision ${revision} it showed ${difference}`];
    });
}

function apply(change: KeyChange, state: Map<string, string>): void {
  if (change.op === PUT) state.set(change.key, change.value);
  else state.delete(change.key);
}

/** In words, one key that is not as it was. */
function differenceOf(
  real: ReadonlyMap<string, string>,
  shown: ReadonlyMap<string, string>,
): string | undefined {
  const key = [...real.keys(), ...shown.keys()].find((one) => real.get(one) !== shown.get(one));
  return key === undefined
    ? undefined
    : `${key} as ${JSON.stringify(shown.get(key))}, but it was ${JSON.stringify(real.get(key))}`;
}

function notInStep(syncs: readonly Sync[], acknowledged: Acknowledged): string[] {
  return syncs.flatMap(({ invokedAt, revision }) => {
    const present = acknowledged.revisionBefore(invokedAt);
    return revision < present
      ? [`revision ${revision} after a sync at ${invokedAt}, when ${present} was there`]
      : [];
  });
}
