import { type KeyChange, PUT } from '../../../lib/kvi/key-change.js';
import { isAnswered, type Operation } from './history.js';
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
  readonly prefix: string;
  /** In the order in which it was shown. */
  readonly shown: readonly ShownState[];
  readonly syncs: readonly Sync[];
}

/** The store had come to a revision by a moment. */
export interface Reached {
  readonly revision: number;
  readonly at: number;
}

/**
 * Each state shown is the store's at that revision, revisions never go back, and after `sync` the view is not older than
 * what had been acknowledged to anybody when it was called.
 */
export function viewViolations(
  record: ViewRecord,
  replay: Replay,
  acknowledged: readonly Reached[],
): string[] {
  const violations = [
    ...backwards(record.shown),
    ...neverWas(record, replay),
    ...notInStep(record.syncs, acknowledged),
  ];
  return violations.map((violation) => `${record.name}: ${violation}`);
}

/** When which revision was there at the latest: those of writes that were answered, of values that were written once. */
export function acknowledgedRevisions(operations: readonly Operation[], replay: Replay): Reached[] {
  return operations.filter(isAnswered).flatMap((operation) => {
    const written = writtenBy(operation);
    const revision = written === undefined ? undefined : replay.writeOf(operation.key, written)?.revision;
    return revision === undefined ? [] : [{ revision, at: operation.returnedAt }];
  });
}

function writtenBy(operation: Operation): string | undefined {
  if (!isAnswered(operation)) return undefined;
  switch (operation.op) {
    case 'store':
      return operation.input;
    case 'create':
      return operation.outcome.ok ? operation.input : undefined;
    case 'tas':
      return operation.outcome.ok ? operation.input.set : undefined;
    default:
      return undefined;
  }
}

function backwards(shown: readonly ShownState[]): string[] {
  return shown
    .slice(1)
    .flatMap(({ revision }, index) =>
      revision < shown[index]!.revision ? [`revision ${revision} after ${shown[index]!.revision}`] : [],
    );
}

function neverWas({ prefix, shown }: ViewRecord, { changes }: Replay): string[] {
  const own = changes.filter(({ key }) => key.startsWith(prefix));
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

function notInStep(syncs: readonly Sync[], acknowledged: readonly Reached[]): string[] {
  const byTime = acknowledged.toSorted((a, b) => a.at - b.at);
  let [next, present] = [0, 0];
  return syncs
    .toSorted((a, b) => a.invokedAt - b.invokedAt)
    .flatMap(({ invokedAt, revision }) => {
      for (; next < byTime.length && byTime[next]!.at < invokedAt; next++)
        present = Math.max(present, byTime[next]!.revision);
      return revision < present
        ? [`revision ${revision} after a sync at ${invokedAt}, when ${present} was there`]
        : [];
    });
}
