import { groupBy } from '../support/group-by.js';
import { isAnswered, isOf, type Operation, processOf } from './history.js';
import { type Lives, without } from './lives.js';

/** Somebody has a lock, or leads, as far as they know. */
export interface Hold {
  /** Of the lock, or of what is led. */
  readonly name: string;
  readonly token: number;
  readonly process: string;
  /** When the call that got it began. */
  readonly askedAt: number;
  readonly grantedAt: number;
  /** When it was given back or told to be lost, or its process ended. Infinity: it lasts. */
  readonly endedAt: number;
}

/** The holds that clients were told of, in order of their grants. */
export function holdsOf(operations: readonly Operation[], lives: Lives): Hold[] {
  const ends = endsOf(operations);
  return operations
    .filter(isOf('acquire'))
    .filter(isAnswered)
    .map((acquire) => {
      const token = acquire.outcome.ok;
      const process = processOf(acquire);
      const end = ends.get(nameOf(acquire.key, token)) ?? Infinity;
      return {
        name: acquire.key,
        token,
        process,
        askedAt: acquire.invokedAt,
        grantedAt: acquire.returnedAt,
        endedAt: Math.min(end, lives.endOf(process)),
      };
    })
    .sort((a, b) => a.grantedAt - b.grantedAt);
}

/** Pairs of holds that last at one time, at which neither process was stopped. */
export function overlaps(holds: readonly Hold[], lives: Lives): [Hold, Hold][] {
  return [...groupBy(holds, ({ name }) => name).values()].flatMap((ofOne) => overlapsOfOne(ofOne, lives));
}

function overlapsOfOne(holds: readonly Hold[], lives: Lives): [Hold, Hold][] {
  const found: [Hold, Hold][] = [];
  let lasting: Hold[] = [];
  for (const hold of holds.toSorted((a, b) => a.grantedAt - b.grantedAt)) {
    lasting = lasting.filter(({ endedAt }) => endedAt > hold.grantedAt);
    for (const other of lasting) if (areBothAwake(other, hold, lives)) found.push([other, hold]);
    lasting.push(hold);
  }
  return found;
}

function areBothAwake(one: Hold, other: Hold, lives: Lives): boolean {
  const shared = {
    from: Math.max(one.grantedAt, other.grantedAt),
    to: Math.min(one.endedAt, other.endedAt),
  };
  return (
    without(
      shared,
      [one, other].flatMap(({ process }) => lives.absences(process)),
    ).length > 0
  );
}

/** A holder acts as one until it calls release, or is told of the loss. */
function endsOf(operations: readonly Operation[]): Map<string, number> {
  const ends = new Map<string, number>();
  for (const end of operations) {
    if (end.op !== 'release' && end.op !== 'lost') continue;
    const name = nameOf(end.key, end.input);
    ends.set(name, Math.min(end.invokedAt, ends.get(name) ?? Infinity));
  }
  return ends;
}

function nameOf(key: string, token: number): string {
  return `${key}\n${token}`;
}

export function holdInWords({ name, token, process, grantedAt, endedAt }: Hold): string {
  return `${name} with token ${token} by ${process} (${grantedAt.toFixed(3)}–${endedAt.toFixed(3)})`;
}

/**
 * The operations of a mutex with the ends that no client could tell: a process that ended may have had a lock for as long
 * as its lease lasted, and one that was stopped was told late of what happened meanwhile.
 */
export function withUntoldEnds(operations: readonly Operation[], lives: Lives): Operation[] {
  const told = operations.map((one) =>
    one.op === 'lost' ? { ...one, invokedAt: lives.absentSince(processOf(one), one.invokedAt) } : one,
  );
  const untold = operations
    .filter(isOf('acquire'))
    .filter(isAnswered)
    .filter((acquire) => lives.endOf(processOf(acquire)) < Infinity)
    .map(({ id, client, key, outcome }): Operation => {
      const endOfProcess = lives.endOf(processOf({ client }));
      const invokedAt = lives.absentSince(processOf({ client }), endOfProcess);
      return { id: `end of ${id}`, client, op: 'lost', key, input: outcome.ok, invokedAt };
    });
  return [...told, ...untold];
}
