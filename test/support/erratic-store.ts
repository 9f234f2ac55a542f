import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { OutcomeUnknownError, UnavailableError } from '../../lib/store/errors.js';
import type { Watch } from '../../lib/store/store.js';
import type { InterceptedStore, Verb } from './intercepted-store.js';

/** Numbers that look random and are the same for the same seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 up to, but not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to, but not including, `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** A few microtasks and a few turns of the event loop, often none. */
  async pause(maxTurns = 4): Promise<void> {
    for (let i = this.below(6); i > 0; i--) await Promise.resolve();
    for (let i = this.below(maxTurns); i > 0; i--) await eventLoopTurn();
  }
}

const VERBS: readonly Verb[] = [
  'range',
  'revision',
  'txn',
  'leaseGrant',
  'leaseKeepAlive',
  'leaseRevoke',
  'watch',
];

/**
 * Makes a store answer as one over a network does: every call takes its time on the way there and back, so that
 * calls overtake each other, and fails now and then, before it was done or after.
 *
 * @param failureRate how many of the calls fail, from 0 to 1
 */
export function makeErratic(store: InterceptedStore, random: Random, failureRate: number): void {
  for (const verb of VERBS) {
    store.intercept(verb, async (proceed) => {
      await random.pause();
      if (random.next() < failureRate / 2) throw new UnavailableError(`${verb} was not sent`);
      const answer = await proceed();
      await random.pause();
      if (random.next() < failureRate / 2) throw new OutcomeUnknownError(`the answer to ${verb} was lost`);
      return verb === 'watch' ? (slowWatch(answer as Watch, random) as typeof answer) : answer;
    });
  }
}

function slowWatch(watch: Watch, random: Random): Watch {
  return {
    async next() {
      const response = await watch.next();
      await random.pause();
      return response;
    },
    requestProgress: () => watch.requestProgress(),
    cutOffMs: undefined,
    cancel: () => watch.cancel(),
  };
}
