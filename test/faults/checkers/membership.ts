import type { Life } from './history.js';
import { Lives } from './lives.js';

/** The members that one of them saw. */
export interface Sighting {
  readonly at: number;
  readonly seenBy: string;
  readonly members: readonly string[];
}

/**
 * Some time after the last fault every member sees all that live, and nobody else, and goes on to see them.
 *
 * @param lives of all processes that ever were members
 * @param quietSince when the last fault was over: no process has started, ended, stopped or gone on since
 * @param boundMs how much later all must agree
 * @param until when the sightings ended
 */
export function membershipViolations(
  sightings: readonly Sighting[],
  lives: readonly Life[],
  { quietSince, boundMs, until }: { quietSince: number; boundMs: number; until: number },
): string[] {
  const known = new Lives(lives);
  const agreedSince = quietSince + boundMs;
  const members = lives
    .map(({ process }) => process)
    .filter((process) => known.endOf(process) > until && !isStopped(process, known, until))
    .sort();
  const settled = sightings.filter(({ at }) => at >= agreedSince && at <= until);
  const silent = members.filter((member) => !settled.some(({ seenBy }) => seenBy === member));
  const wrong = settled.filter(
    (sighting) => members.includes(sighting.seenBy) && sighting.members.toSorted().join() !== members.join(),
  );
  return [
    ...silent.map((member) => `${member} has seen nothing since ${agreedSince}`),
    ...wrong.map(
      ({ at, seenBy, members: seen }) =>
        `${seenBy} saw [${seen.toSorted().join(', ')}] at ${at}, but there were [${members.join(', ')}]`,
    ),
  ];
}

function isStopped(process: string, lives: Lives, moment: number): boolean {
  return lives.absentSince(process, moment) !== moment;
}
