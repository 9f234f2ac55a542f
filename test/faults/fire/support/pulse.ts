import { setTimeout as delay } from 'node:timers/promises';
import type { Kvi } from '../../../../lib/kvi/kvi.js';

const REST_MS = 20;

/** Stores and reads all the time, and goes on after a failure. */
export class Pulse implements AsyncDisposable {
  readonly failures: unknown[] = [];
  readonly #kvi: Kvi;
  readonly #key: string;
  readonly #over = new AbortController();
  readonly #done: Promise<void>;

  constructor(kvi: Kvi, key: string) {
    this.#kvi = kvi;
    this.#key = key;
    this.#done = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    for (let beat = 0; !this.#over.signal.aborted; beat++) {
      await this.#beat(`${beat}`).catch((error: unknown) => this.failures.push(error));
      await delay(REST_MS);
    }
  }

  async #beat(value: string): Promise<void> {
    await this.#kvi.store(this.#key, value);
    const found = await this.#kvi.get(this.#key);
    if (found !== value) throw new Error(`${value} was stored, and then there was ${found}`);
  }
}
