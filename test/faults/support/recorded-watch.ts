import { setTimeout as delay } from 'node:timers/promises';
import type { KeyChange } from '../../../lib/kvi/key-change.js';
import type { Kvi, KeyRange } from '../../../lib/kvi/kvi.js';
import { CompactedError, HmEtcdError } from '../../../lib/store/errors.js';
import type { WatchRecord } from '../checkers/watch-validators.js';

const RETRY_MS = 100;

interface Attempt {
  readonly fromRevision: number;
  readonly pieces: { readonly changes: KeyChange[] }[];
}

/** Follows the changes of a range, goes on where a stream has failed, and keeps what it was told. */
export class RecordedWatch {
  /** What it was told that the store has given up: from one revision up to, but not including, another. */
  readonly gaps: { readonly from: number; readonly to: number }[] = [];
  readonly #kvi: Kvi;
  readonly #range: KeyRange;
  readonly #attempts: Attempt[] = [];
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  /** The first revision that it has not been told of. */
  #next: number;

  constructor(kvi: Kvi, range: KeyRange, fromRevision: number) {
    this.#kvi = kvi;
    this.#range = range;
    this.#next = fromRevision;
    this.#done = this.#follow();
  }

  hasReached(revision: number): boolean {
    return this.#next > revision;
  }

  stop(): Promise<void> {
    this.#stop.abort();
    return this.#done;
  }

  /** @param completeTo the revision up to which was waited for everything */
  recordTo(completeTo: number): WatchRecord {
    const name = `the watch of ${JSON.stringify(this.#range)}`;
    return { name, range: this.#range, prevValue: false, attempts: this.#attempts, completeTo };
  }

  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const attempt: Attempt = { fromRevision: this.#next, pieces: [] };
      this.#attempts.push(attempt);
      try {
        await this.#read(attempt);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (!(error instanceof HmEtcdError)) throw error;
        if (error instanceof CompactedError) this.#skipTo(error.revision);
        else await delay(RETRY_MS);
      }
    }
  }

  async #read({ fromRevision, pieces }: Attempt): Promise<void> {
    const { signal } = this.#stop;
    for await (const change of this.#kvi.changes(this.#range, { fromRevision, signal })) {
      const last = pieces.at(-1)?.changes;
      if (last?.[0]?.revision === change.revision) last.push(change);
      else pieces.push({ changes: [change] });
      this.#next = change.revision + 1;
    }
  }

  #skipTo(revision: number): void {
    this.gaps.push({ from: this.#next, to: revision });
    this.#next = revision;
  }
}
