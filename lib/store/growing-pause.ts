import type { Clock } from './clock.js';
import { pause } from './pause.js';

const FIRST_MS = 20;
const LONGEST_MS = 1000;

/**
 * What stands between the tries of something that a server refuses again and again, for reasons that should be gone by
 * the next: the second try comes at once, each later one after twice the time of the one before.
 */
export class GrowingPause {
  readonly #clock: Clock;
  #ms = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the next try may begin, after `mostMs` at the latest, or as soon as the signal aborts. */
  async beforeNextTry(signal: AbortSignal, mostMs = LONGEST_MS): Promise<void> {
    const ms = this.#ms;
    this.#ms = Math.min(Math.max(ms * 2, FIRST_MS), LONGEST_MS);
    if (ms > 0) await pause(this.#clock, Math.max(0, Math.min(ms, mostMs)), signal);
  }

  /** A try has succeeded: the next that fails is the first again. */
  reset(): void {
    this.#ms = 0;
  }
}
