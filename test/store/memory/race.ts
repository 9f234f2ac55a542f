import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { CompactedError, HmEtcdError } from '../../../lib/store/errors.js';
import { MemoryDatabase } from '../../../lib/store/memory/database.js';
import type { MemoryWatch } from '../../../lib/store/memory/memory-watch.js';
import type { LeaseId } from '../../../lib/store/store.js';
import { TestClock } from '../../../lib/testing/test-clock.js';
import { leaseAt, rangeAt, txnAt, type Present, type Step } from './histories.js';
import { NaiveDatabase, type NaiveWatch, type WatchAnswer } from './naive-database.js';

export interface Difference {
  readonly step?: Step;
  readonly real: unknown;
  readonly naive: unknown;
}

/** The memory database and the naive one, driven step by step through one history and compared after each. */
export class Race {
  readonly #clock = new TestClock();
  readonly #real: MemoryDatabase;
  readonly #naive = new NaiveDatabase();
  readonly #leases: LeaseId[] = [];
  readonly #watches: { real: MemoryWatch; naive: NaiveWatch; answers: WatchAnswer[] }[] = [];

  #difference: Difference | undefined;

  constructor(historyWeight?: number) {
    this.#real = new MemoryDatabase({ clock: this.#clock, historyWeight });
  }

  /** Answers the first difference, undefined when both always agreed. */
  async run(steps: readonly Step[]): Promise<Difference | undefined> {
    for (const step of steps) {
      await this.#do(step);
      await this.#settle();
      this.#compareWatches();
      if (this.#difference !== undefined) return { step, ...this.#difference };
    }
    this.#both((database) => database.range({ key: '\0', rangeEnd: '\0' }));
    return this.#difference;
  }

  async #do(step: Step): Promise<void> {
    const present: Present = { revision: this.#naive.revision, leases: this.#leases };
    switch (step.do) {
      case 'txn': {
        const request = txnAt(step, present);
        return this.#both((database) => database.txn(request));
      }
      case 'range': {
        const { do: _, ...plan } = step;
        const request = rangeAt(plan, present);
        return this.#both((database) => database.range(request));
      }
      case 'grant':
        await this.#advance(1);
        this.#both((database) => database.leaseGrant(step.ttlSec));
        this.#leases.push([...this.#naive.leases.keys()].at(-1)!);
        return;
      case 'keepAlive':
        await this.#advance(1);
        return this.#both((database) => database.leaseKeepAlive(leaseAt(step.lease, present)));
      case 'revoke':
        return this.#both((database) => database.leaseRevoke(leaseAt(step.lease, present)));
      case 'advance':
        return this.#advance(step.sec * 1000);
      case 'compact':
        return this.#both((database) => database.compact(present.revision - step.ago));
      case 'watch': {
        const { do: _, ago, ...span } = step;
        const request = { ...span, afterRevision: present.revision - ago };
        let real: MemoryWatch | undefined;
        let naive: NaiveWatch | undefined;
        this.#compare(
          outcomeOf(() => void (real = this.#real.watch(request))),
          outcomeOf(() => void (naive = this.#naive.watch(request))),
        );
        if (real !== undefined && naive !== undefined) this.#watches.push({ real, naive, answers: [] });
        return;
      }
      default:
        return this.#useWatch(step.do, step.watch);
    }
  }

  /**
   * Grants and keep-alives come a millisecond apart and time moves by whole seconds beside: so no two leases
   * expire at once, in an order that nobody promises. Time stops at each expiry: the database may compact after it,
   * and once more after the next, and a watch is told of the first that overtakes it.
   */
  async #advance(ms: number): Promise<void> {
    for (let left = ms, step = 0; left > 0; left -= step) {
      step = Math.min(left, this.#naive.untilNextExpiry);
      await this.#clock.runTimers(step);
      this.#naive.advance(step);
      await this.#settle();
    }
  }

  async #settle(): Promise<void> {
    await eventLoopTurn();
    for (const { naive } of this.#watches) naive.serve();
    this.#followCompaction();
  }

  #both(call: (database: MemoryDatabase | NaiveDatabase) => unknown): void {
    this.#compare(
      outcomeOf(() => call(this.#real)),
      outcomeOf(() => call(this.#naive)),
    );
  }

  #useWatch(what: 'next' | 'progress' | 'cancel', index: number): void {
    const watch = this.#watches[index];
    if (watch === undefined) return;
    const { real, naive, answers } = watch;
    if (what === 'next') {
      if (naive.isWaiting) return;
      real.next().then(
        (response) => answers.push(response ?? 'ended'),
        (error) => answers.push(error),
      );
      naive.next();
    } else if (what === 'progress') {
      real.requestProgress();
      naive.requestProgress();
    } else {
      real.cancel();
      naive.cancel();
    }
  }

  /** How far the database compacts by itself is its own affair; that the newest revision stays is not. */
  #followCompaction(): void {
    const { error } = outcomeOf(() => this.#real.range({ key: 'a', revision: 1 }));
    if (error === undefined) return;
    const compactRevision = error.revision! - 1;
    if (compactRevision > this.#naive.compactRevision) {
      this.#compare({ newestStays: compactRevision < this.#naive.revision }, { newestStays: true });
      this.#naive.compact(compactRevision);
    }
  }

  #compareWatches(): void {
    for (const { naive, answers } of this.#watches) {
      this.#compare(answers.map(readableAnswer), naive.answers.map(readableAnswer));
    }
  }

  #compare(real: unknown, naive: unknown): void {
    if (!isDeepStrictEqual(real, naive)) this.#difference ??= { real, naive };
  }
}

interface Outcome {
  readonly answer?: unknown;
  readonly error?: { name: string; revision: number | undefined };
}

function outcomeOf(call: () => unknown): Outcome {
  try {
    return { answer: call() };
  } catch (error) {
    if (!(error instanceof HmEtcdError)) throw error;
    return { error: readableError(error) };
  }
}

function readableError(error: HmEtcdError): { name: string; revision: number | undefined } {
  return { name: error.name, revision: error instanceof CompactedError ? error.revision : undefined };
}

function readableAnswer(answer: WatchAnswer): unknown {
  return answer instanceof CompactedError ? readableError(answer) : answer;
}
