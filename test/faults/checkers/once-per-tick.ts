import { groupBy } from '../support/group-by.js';

/** A job has begun for a tick. */
export interface TickRun {
  readonly job: string;
  readonly tick: number;
  readonly process: string;
}

/**
 * No job runs twice for a tick.
 *
 * @param due the ticks in which nothing was wrong, for which each job must have run
 */
export function tickViolations(
  jobs: readonly string[],
  runs: readonly TickRun[],
  due: readonly number[],
): string[] {
  const byTick = groupBy(runs, ({ job, tick }) => nameOf(job, tick));
  const twice = [...byTick]
    .filter(([, { length }]) => length > 1)
    .map(([name, many]) => `${name} was run by ${many.map(({ process }) => process).join(' and ')}`);
  const never = jobs
    .flatMap((job) => due.map((tick) => nameOf(job, tick)))
    .filter((name) => !byTick.has(name))
    .map((name) => `${name} was not run`);
  return [...twice, ...never];
}

function nameOf(job: string, tick: number): string {
  return `${job} for tick ${tick}`;
}
