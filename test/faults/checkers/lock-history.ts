import { groupBy } from '../support/group-by.js';
import { inWords, isAnswered, isOf, type Life, type Operation } from './history.js';
import { type Hold, holdInWords, holdsOf, overlaps } from './holds.js';
import { Lives } from './lives.js';

/** A write that a resource has taken, as the store's history shows it. */
export interface FencedWrite {
  readonly resource: string;
  /** The token of the hold that it was made under. */
  readonly token: number;
  readonly revision: number;
}

/**
 * What locks promise: at most one holder among the processes that were not stopped; no `assertHeld` that passes after the
 * grant of another; tokens that grow with each grant, which is the order of the queue, for they are its revisions; and
 * writes that are taken in the order of tokens.
 *
 * @param operations acquire, release, assert, lost
 * @param lives of processes that were stopped or have ended
 */
export function lockViolations(
  operations: readonly Operation[],
  lives: readonly Life[],
  writes: readonly FencedWrite[],
): string[] {
  const known = new Lives(lives);
  const holds = holdsOf(operations, known);
  return [
    ...overlaps(holds, known).map((pair) => `Two hold it: ${pair.map(holdInWords).join(' and ')}`),
    ...grantsOutOfOrder(holds, known),
    ...assertedTooLate(operations, holds),
    ...writesOutOfOrder(writes),
  ];
}

/** A process that was stopped hears late of a grant that was over before the next one. */
function grantsOutOfOrder(holds: readonly Hold[], lives: Lives): string[] {
  const heardInTime = holds.filter(
    ({ process, askedAt, grantedAt }) =>
      !lives.absences(process).some(({ from, to }) => from < grantedAt && askedAt < to),
  );
  const inOrder = [...groupBy(heardInTime, ({ name }) => name).values()].flatMap((ofOne) =>
    decreases(ofOne, ({ token }) => token, false),
  );
  return inOrder.map(([before, after]) => `Granted ${holdInWords(after)} after ${holdInWords(before)}`);
}

function assertedTooLate(operations: readonly Operation[], holds: readonly Hold[]): string[] {
  const grants = groupBy(holds, ({ name }) => name);
  return operations
    .filter(isOf('assert'))
    .filter((one) => isAnswered(one) && one.outcome.ok)
    .flatMap((assertion) => {
      const isNext = ({ token, grantedAt }: Hold): boolean =>
        token > assertion.input && grantedAt < assertion.invokedAt;
      const next = grants.get(assertion.key)?.find(isNext);
      return next
        ? [`${inWords(assertion)} at ${assertion.invokedAt} was called after ${holdInWords(next)}`]
        : [];
    });
}

function writesOutOfOrder(writes: readonly FencedWrite[]): string[] {
  return [...groupBy(writes, ({ resource }) => resource)].flatMap(([resource, ofOne]) =>
    decreases(
      ofOne.toSorted((a, b) => a.revision - b.revision),
      ({ token }) => token,
      true,
    ).map(
      ([before, after]) =>
        `${resource} has taken a write with token ${after.token} at revision ${after.revision}, after one with ${before.token} at ${before.revision}`,
    ),
  );
}

/** The items whose number is smaller than the largest before them, each with that one; or is the same, if that may not be. */
function decreases<T>(items: readonly T[], number: (item: T) => number, mayBeEqual: boolean): [T, T][] {
  const found: [T, T][] = [];
  let largest = items[0];
  for (const item of items.slice(1)) {
    const difference = number(item) - number(largest!);
    if (difference < 0 || (difference === 0 && !mayBeEqual)) found.push([largest!, item]);
    else largest = item;
  }
  return found;
}
