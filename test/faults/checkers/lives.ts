import type { Interval, Life } from './history.js';

/** A process that goes on needs a moment until its event loop has heard of what it has missed. */
const SETTLE_MS = 1000;

/** What was done to processes, to be asked about. One of which nothing is known was left alone. */
export class Lives {
  readonly #lives: ReadonlyMap<string, Life>;

  constructor(lives: readonly Life[]) {
    this.#lives = new Map(lives.map((life) => [life.process, life]));
  }

  endOf(process: string): number {
    return this.#lives.get(process)?.to ?? Infinity;
  }

  /** When it was stopped, or had just been. */
  absences(process: string): Interval[] {
    const pauses = this.#lives.get(process)?.pauses ?? [];
    return pauses.map(({ from, to }) => ({ from, to: to + SETTLE_MS }));
  }

  /** Since when a process that hears of something now may have missed it. */
  absentSince(process: string, now: number): number {
    return this.absences(process).find(({ from, to }) => from <= now && now <= to)?.from ?? now;
  }
}

/** What remains of a stretch of time without some others. */
export function without(whole: Interval, others: readonly Interval[]): Interval[] {
  return others
    .reduce<Interval[]>((rest, other) => rest.flatMap((one) => cut(one, other)), [whole])
    .filter(({ from, to }) => from < to);
}

function cut({ from, to }: Interval, other: Interval): Interval[] {
  if (other.to <= from || to <= other.from) return [{ from, to }];
  return [
    { from, to: other.from },
    { from: other.to, to },
  ];
}
