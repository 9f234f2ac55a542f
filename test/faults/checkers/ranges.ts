import type { KeyRange } from '../../../lib/kvi/kvi.js';
import type { Acknowledged } from './acknowledged.js';
import { compareBytes, isWithin } from './key-range.js';
import type { Replay } from './replay.js';

/** A range, read between two moments of which the revisions are known. */
export interface RangeRead {
  readonly name: string;
  readonly range: KeyRange;
  readonly invokedAt: number;
  /** The revision that it may show at the earliest, and at the latest. */
  readonly from: number;
  readonly to: number;
  readonly entries: readonly (readonly [key: string, value: string])[];
}

/**
 * A range shows what was there at one revision, both its ends included, in byte order; and nothing older than what
 * had been acknowledged to anybody when it was asked for.
 */
export function rangeViolations(
  reads: readonly RangeRead[],
  replay: Replay,
  acknowledged: Acknowledged,
): string[] {
  const keys = [...new Set(replay.changes.map(({ key }) => key))].sort(compareBytes);
  return [
    ...reads.filter((read) => !isAtOneRevision(read, keys, replay)).map(neverWas),
    ...tooOld(reads, acknowledged),
  ];
}

function isAtOneRevision({ range, from, to, entries }: RangeRead, keys: string[], replay: Replay): boolean {
  const inRange = keys.filter((key) => isWithin(range, key));
  const shown = JSON.stringify(entries);
  const revisions = [from, ...replay.between(from, to).map(({ revision }) => revision)];
  return revisions.some((revision) => shown === JSON.stringify(stateAt(revision, inRange, replay)));
}

function stateAt(revision: number, keys: readonly string[], replay: Replay): [string, string][] {
  return keys.flatMap((key) => {
    const value = replay.valueAt(key, revision);
    return value === undefined ? [] : [[key, value] as [string, string]];
  });
}

function neverWas({ name, range, from, to, entries }: RangeRead): string {
  const keys = entries.map(([key]) => key);
  return `${name}: ${JSON.stringify(range)} was not so at any revision from ${from} to ${to}: ${JSON.stringify(keys)}`;
}

function tooOld(reads: readonly RangeRead[], acknowledged: Acknowledged): string[] {
  return reads.flatMap(({ name, invokedAt, from }) => {
    const present = acknowledged.revisionBefore(invokedAt);
    return from < present
      ? [`${name} showed revision ${from} when asked at ${invokedAt}, when ${present} was there`]
      : [];
  });
}
