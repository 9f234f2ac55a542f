import { groupBy } from '../support/group-by.js';

/** A job has begun for a tick. */
export interface TickRun {
  readonly job: string;
  readonly tick: number;
  readonly process: string;
}

/**
 * A run that begins so late tells of a machine that was busy elsewhere: `minHoldSec`, half a second, has to be longer than
 * all delays. The lock of such a run lasts into the next tick, or that of the run before has ended.
 */
export const LATE_MS = 300;

/** Answers of a tick whether neither its runs nor those beside it were late. */
export function isPunctual(
  runs: readonly { readonly tick: number; readonly lateMs: number }[],
): (tick: number) => boolean {
  const late = runs.filter(({ lateMs }) => lateMs > LATE_MS);
  return (tick) => late.every((run) => Math.abs(run.tick - tick) > 1);
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
