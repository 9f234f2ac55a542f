import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { CancelTimer, Clock } from '../../lib/store/clock.js';

interface ManualTimer {
  readonly dueAt: number;
  readonly callback: () => void;
  readonly background: boolean;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<ManualTimer>();

  /** How many timers are set; without `background` ones, how many would keep a process alive. */
  timerCount({ background = true } = {}): number {
    return [...this.#timers].filter((timer) => background || !timer.background).length;
  }

  now(): number {
    return this.#now;
  }

  setTimer(delayMs: number, callback: () => void, options: { background?: boolean } = {}): CancelTimer {
    const timer = {
      dueAt: this.#now + Math.max(0, delayMs),
      callback,
      background: options.background ?? false,
    };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /**
   * Moves time forward: each timer that comes due runs at its own time, the earlier set first among equals, and
   * what it started settles before the next one. Timers set meanwhile run, too, when they come due in that time.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await eventLoopTurn();
    for (let timer = this.#nextUntil(end); timer !== undefined; timer = this.#nextUntil(end)) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.dueAt);
      timer.callback();
      await eventLoopTurn();
    }
    this.#now = Math.max(this.#now, end);
  }

  /** Moves time without running what comes due, as in a process that is stopped or blocked. */
  skip(ms: number): void {
    this.#now += ms;
  }

  #nextUntil(end: number): ManualTimer | undefined {
    let next: ManualTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueAt <= end && (next === undefined || timer.dueAt < next.dueAt)) next = timer;
    }
    return next;
  }
}
