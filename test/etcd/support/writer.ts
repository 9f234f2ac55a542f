import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { Kvi } from '../../../lib/kvi/kvi.js';
import { OutcomeUnknownError } from '../../../lib/store/errors.js';
import { poll } from '../../support/etcd/poll.js';

/** What became of the write of each number. */
export type Outcome = 'acknowledged' | 'unknown' | 'not applied';

/** Puts 0, 1, 2, … to one key, without a pause, whatever becomes of it. */
export class Writer implements AsyncDisposable {
  readonly key: string;
  readonly outcomes: Outcome[] = [];
  readonly #kvi: Kvi;
  readonly #done: Promise<void>;
  #stopped = false;

  constructor(kvi: Kvi, key: string) {
    this.#kvi = kvi;
    this.key = key;
    this.#done = this.#run();
  }

  get acknowledged(): number[] {
    return this.#numbers('acknowledged');
  }

  get notApplied(): number[] {
    return this.#numbers('not applied');
  }

  async moreAcknowledged(count: number): Promise<void> {
    const end = this.acknowledged.length + count;
    await poll(`${end} writes of ${this.key}`, () => this.acknowledged.length >= end || undefined);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #numbers(wanted: Outcome): number[] {
    return this.outcomes.flatMap((outcome, number) => (outcome === wanted ? [number] : []));
  }

  async #run(): Promise<void> {
    for (let number = 0; !this.#stopped; number++) {
      this.outcomes.push(await this.#write(number));
      // A refusal may come without one, and then nothing else would have its turn.
      await eventLoopTurn();
    }
  }

  async #write(number: number): Promise<Outcome> {
    try {
      await this.#kvi.store(this.key, String(number));
      return 'acknowledged';
    } catch (error) {
      return error instanceof OutcomeUnknownError ? 'unknown' : 'not applied';
    }
  }
}
