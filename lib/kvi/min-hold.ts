import type { Clock } from '../store/clock.js';
import { pause } from '../store/pause.js';

/** The time for which a lock stays taken at least. Made at the grant, from which it counts. */
export class MinHold {
  readonly #clock: Clock;
  readonly #endsAt: number;

  constructor(clock: Clock, minHoldSec = 0) {
    this.#clock = clock;
    this.#endsAt = clock.now() + minHoldSec * 1000;
  }

  get isOver(): boolean {
    return this.#remainingMs <= 0;
  }

  /** Resolves when the time is over, or at once when the lock is lost. Does not keep the process alive. */
  over(lost: AbortSignal): Promise<void> {
    return pause(this.#clock, this.#remainingMs, lost, { background: true });
  }

  get #remainingMs(): number {
    return this.#endsAt - this.#clock.now();
  }
}
