import type { CancelTimer, Clock } from '../store/clock.js';
import { LockTimeoutError } from './errors.js';

/** How long one lock call waits, over all its waits: until its time is up, its signal aborts or the handle closes. */
export class Patience {
  /** One try: whoever would have to wait throws `timeoutError()` instead. */
  readonly isOneTry: boolean;
  readonly #name: string;
  readonly #timeoutSec: number | undefined;
  readonly #ended = new AbortController();
  readonly #sources: AbortSignal[];
  readonly #cancelTimer: CancelTimer;

  constructor(clock: Clock, name: string, timeoutSec: number | undefined, sources: AbortSignal[]) {
    this.#name = name;
    this.#timeoutSec = timeoutSec;
    this.isOneTry = timeoutSec === 0;
    this.#sources = sources;
    this.#cancelTimer =
      timeoutSec === undefined || this.isOneTry
        ? () => {}
        : clock.setTimer(timeoutSec * 1000, () => this.#ended.abort(this.timeoutError()));
    for (const source of sources) {
      if (source.aborted) this.#ended.abort(source.reason);
      source.addEventListener('abort', this.#follow);
    }
  }

  /** Aborts when the wait is over; its reason is the error to throw. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  timeoutError(): LockTimeoutError {
    const wait = this.isOneTry ? 'at the first try' : `within ${this.#timeoutSec} s`;
    return new LockTimeoutError(
      `The lock '${this.#name}' was not acquired ${wait}: another holds it, or the store did not answer in that time. Wait longer, or leave the work to the holder.`,
    );
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

  /** Lets go of the timer and the signals. The call that waited must do this, however it ended. */
  end(): void {
    this.#cancelTimer();
    for (const source of this.#sources) source.removeEventListener('abort', this.#follow);
  }

  readonly #follow = (event: Event): void => {
    this.#ended.abort((event.target as AbortSignal).reason);
  };
}
