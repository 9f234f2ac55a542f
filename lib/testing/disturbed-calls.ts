import { TimeLimit } from '../kvi/time-limit.js';
import type { Clock } from '../store/clock.js';
import { OutcomeUnknownError, RequestTimeoutError } from '../store/errors.js';
import { pause } from '../store/pause.js';
import type { Conditions } from './conditions.js';
import type { Disturbance } from './faults.js';

/** A call, whatever is in its way. */
export interface Call<T> {
  /** For the beginning of a message. */
  readonly what: string;
  readonly kind: 'repeatable' | 'write' | 'watch' | 'upkeep';
  /** An unanswered one can be made impossible, as long as the store answers anything. */
  readonly isRecorded?: boolean;
  /** What has to happen before it is sent. Its time counts from before that. */
  readonly ready?: Promise<unknown>;
  /** @default requestTimeoutMs */
  readonly timeoutMs?: number;
  readonly perform: () => Promise<T>;
}

/** Calls to a store that may be slow, deaf or dead; each with one deadline over all that it meets, as etcd's have. */
export class DisturbedCalls {
  readonly #conditions: Conditions;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #closing: AbortSignal;

  /** @param closing ends what waits, with its reason */
  constructor(conditions: Conditions, clock: Clock, timeoutMs: number, closing: AbortSignal) {
    this.#conditions = conditions;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#closing = closing;
  }

  /**
   * @throws RequestTimeoutError: nothing was applied, nor will be; OutcomeUnknownError; what was ordered; what `perform`
   * throws
   */
  run<T>(call: Call<T>): Promise<T> {
    const isCounted = call.kind === 'repeatable' || call.kind === 'write';
    const disturbance = isCounted ? this.#conditions.take(call.kind === 'write') : undefined;
    const isFree = disturbance === undefined && call.ready === undefined && !this.#isBlocked(call);
    return isFree ? call.perform() : this.#disturbed(call, disturbance);
  }

  async #disturbed<T>(call: Call<T>, disturbance: Disturbance | undefined): Promise<T> {
    const { timeoutMs = this.#timeoutMs } = call;
    let isSent = false;
    const timeUp = (): Error => this.#unanswered(call, isSent, timeoutMs);
    const limit = new TimeLimit(this.#clock, timeoutMs, timeUp, [this.#closing]);
    try {
      await limit.wait(Promise.resolve(call.ready));
      isSent = true;
      if (disturbance?.type === 'delay') await pause(this.#clock, disturbance.ms, limit.signal);
      await this.#conditions.whileTrue(() => this.#isBlocked(call), limit.signal);
      limit.signal.throwIfAborted();
      if (disturbance?.type === 'failure') throw disturbance.error;
      const answer = await call.perform();
      if (disturbance?.type === 'lost reply') throw unknown(call, 'the test has ordered that');
      return answer;
    } finally {
      limit.end();
    }
  }

  #isBlocked({ kind }: Call<unknown>): boolean {
    return kind === 'watch' ? this.#conditions.areWatchesDown : this.#conditions.isFrozen;
  }

  #unanswered(call: Call<unknown>, isSent: boolean, timeoutMs: number): Error {
    const isKnown = call.isRecorded && !this.#conditions.isFrozen;
    if (call.kind === 'write' && isSent && !isKnown)
      return unknown(call, `nothing came within ${timeoutMs} ms`);
    return new RequestTimeoutError(
      `${call.what} was not answered by the test store within ${timeoutMs} ms. Nothing was applied. Try again, or raise requestTimeoutMs.`,
    );
  }
}

function unknown({ what }: Call<unknown>, why: string): OutcomeUnknownError {
  return new OutcomeUnknownError(
    `${what} was sent to the test store, but its answer was lost (${why}): it may have been applied. Read before you decide; do not simply repeat it.`,
  );
}
