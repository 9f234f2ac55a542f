import type { KeyChange } from '../../../lib/kvi/key-change.js';
import type { Kvi, KeyRange } from '../../../lib/kvi/kvi.js';
import { poll } from '../../support/etcd/poll.js';

/** Keeps every change of a range, from a revision on. */
export class Follower implements AsyncDisposable {
  readonly changes: KeyChange[] = [];
  /** What the stream ended with, if it was an error. */
  failure: unknown;
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;

  constructor(kvi: Kvi, range: KeyRange, fromRevision = 1) {
    this.#done = this.#run(kvi.changes(range, { fromRevision, signal: this.#abort.signal }));
  }

  /** Resolves when it has seen that key. */
  async reached(key: string, timeoutMs?: number): Promise<void> {
    const ask = (): true | undefined => {
      if (this.failure !== undefined) throw this.failure;
      return this.changes.some((change) => change.key === key) || undefined;
    };
    await poll(`a change of ${key}`, ask, timeoutMs);
  }

  /** Resolves with the error that ended the stream. */
  failed(timeoutMs?: number): Promise<unknown> {
    return poll('the stream fails', () => this.failure, timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  async #run(changes: AsyncIterable<KeyChange>): Promise<void> {
    try {
      for await (const change of changes) this.changes.push(change);
    } catch (error) {
      if (!this.#abort.signal.aborted) this.failure = error;
    }
  }
}
