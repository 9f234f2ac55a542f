import {
  type Answered,
  type Interval,
  isAnswered,
  isOf,
  type Life,
  type Operation,
  type OperationOf,
} from './history.js';
import { Lives } from './lives.js';

/** A key that a process has made temporary. */
export interface TempKey {
  readonly key: string;
  readonly process: string;
  /** When the call that made it was answered. */
  readonly madeAt: number;
}

/**
 * A temporary key is there as long as its process lives, and is gone some time after.
 *
 * @param reads of the keys, with `get`
 * @param disturbed when a lease may have been lost, and its key on the way back: faults, and the time to get over them
 * @param boundMs within which the key of a dead process must be gone
 */
export function tempKeyViolations(
  keys: readonly TempKey[],
  reads: readonly Operation[],
  lives: readonly Life[],
  { disturbed, boundMs }: { disturbed: readonly Interval[]; boundMs: number },
): string[] {
  const known = new Lives(lives);
  const gets = reads.filter(isOf('get')).filter(isAnswered);
  return keys.flatMap(({ key, process, madeAt }) => {
    const ofKey = gets.filter((get) => get.key === key);
    const diedAt = known.endOf(process);
    const mustBeThere = (get: Get): boolean =>
      get.invokedAt > madeAt &&
      get.returnedAt < diedAt &&
      ![...disturbed, ...known.absences(process)].some(
        ({ from, to }) => from < get.returnedAt && get.invokedAt < to,
      );
    const missing = ofKey.filter((get) => get.outcome.ok === null && mustBeThere(get));
    const left = ofKey.filter((get) => get.outcome.ok !== null && get.invokedAt > diedAt + boundMs);
    return [
      ...missing.map((get) => `${key} was not there at ${get.invokedAt}, while ${process} lived`),
      ...left.map((get) => `${key} was there at ${get.invokedAt}, but ${process} was dead since ${diedAt}`),
    ];
  });
}

type Get = Answered<OperationOf<'get'>>;
