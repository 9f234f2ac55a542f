import { setMaxListeners } from 'node:events';
import type { CancelTimer, Clock } from '../store/clock.js';

/** How long a wait may go on: until its time is up or one of several signals aborts. */
export class TimeLimit {
  readonly #ended = new AbortController();
  readonly #sources: readonly AbortSignal[];
  readonly #cancelTimer: CancelTimer;

  /** @param ms left out: no time of its own */
  constructor(
    clock: Clock,
    ms: number | undefined,
    timeoutError: () => Error,
    sources: readonly AbortSignal[],
  ) {
    this.#sources = sources;
    this.#cancelTimer =
      ms === undefined ? () => {} : clock.setTimer(ms, () => this.#ended.abort(timeoutError()));
    // Not AbortSignal.any: what it combines stays with the source that lives longest.
    for (const source of sources) {
      // One signal may end many waits: their number is no leak, as Node would warn.
      setMaxListeners(Infinity, source);
      if (source.aborted) this.#ended.abort(source.reason);
      source.addEventListener('abort', this.#follow);
    }
  }

  /** Aborts when the wait is over; its reason is the error to throw. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** What `promise` settles with, or the reason for which the wait ended first. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    let giveUp = (): void => {};
    const given = new Promise<never>((_resolve, reject) => {
      giveUp = () => reject(this.signal.reason as Error);
    });
    this.signal.addEventListener('abort', giveUp);
    if (this.signal.aborted) giveUp();
    try {
      return await Promise.race([promise, given]);
    } finally {
      this.signal.removeEventListener('abort', giveUp);
    }
  }

  /** Lets go of the timer and the signals. Whoever waited must do this, however it ended. */
  end(): void {
    this.#cancelTimer();
    for (const source of this.#sources) source.removeEventListener('abort', this.#follow);
  }

  readonly #follow = (event: Event): void => {
    this.#ended.abort((event.target as AbortSignal).reason);
  };
}
