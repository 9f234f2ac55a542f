import type { Clock } from '../store/clock.js';
import { RequestTimeoutError } from '../store/errors.js';
import { LockTimeoutError } from './errors.js';
import { TimeLimit } from './time-limit.js';

/** How long one lock call waits, over all its waits: until its time is up, its signal aborts or the handle closes. */
export class Patience {
  /** One try: whoever would have to wait throws `timeoutError()` instead. */
  readonly isOneTry: boolean;
  readonly #name: string;
  readonly #timeoutSec: number | undefined;
  readonly #limit: TimeLimit;

  /** @param tryMs what one try may take: that is no wait for the lock, but for the store */
  constructor(
    clock: Clock,
    name: string,
    timeoutSec: number | undefined,
    tryMs: number,
    sources: AbortSignal[],
  ) {
    this.#name = name;
    this.#timeoutSec = timeoutSec;
    this.isOneTry = timeoutSec === 0;
    this.#limit = this.isOneTry
      ? new TimeLimit(clock, tryMs, () => unanswered(name, tryMs), sources)
      : new TimeLimit(clock, timeoutSec && timeoutSec * 1000, () => this.timeoutError(), sources);
  }

  /** Aborts when the wait is over; its reason is the error to throw. */
  get signal(): AbortSignal {
    return this.#limit.signal;
  }

  timeoutError(): LockTimeoutError {
    const wait = this.isOneTry ? 'at the first try' : `within ${this.#timeoutSec} s`;
    return new LockTimeoutError(
      `The lock '${this.#name}' was not acquired ${wait}: another holds it, or the store did not answer in that time. Wait longer, or leave the work to the holder.`,
    );
  }

  /** What `promise` settles with, or the reason for which the wait ended first. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return this.#limit.wait(promise);
  }

  /** Lets go of the timer and the signals. The call that waited must do this, however it ended. */
  end(): void {
    this.#limit.end();
  }
}

function unanswered(name: string, ms: number): RequestTimeoutError {
  return new RequestTimeoutError(
    `The lock '${name}' was not acquired at the first try: the store did not answer within ${ms} ms. Try again, or raise requestTimeoutMs.`,
  );
}
