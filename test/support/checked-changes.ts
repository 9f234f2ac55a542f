import assert from 'node:assert/strict';
import { DELETE, type KeyChange, PUT } from '../../lib/kvi/key-change.js';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { CompactedError, HmEtcdError } from '../../lib/store/errors.js';
import type { StoreRecord } from './store-record.js';

/** Reads the changes of a prefix, and goes on where a stream has failed, to hold them against what really was. */
export class CheckedChanges {
  /** What became of the changes in between is not known, because the store has given them up. */
  readonly gaps: { readonly from: number; readonly to: number }[] = [];
  readonly done: Promise<void>;
  readonly #kvi: Kvi;
  readonly #prefix: string;
  readonly #from: number;
  readonly #told: KeyChange[] = [];
  readonly #stop = new AbortController();

  /** @param pause between two changes, and after a failure */
  constructor(kvi: Kvi, prefix: string, fromRevision: number, pause: () => Promise<void>) {
    this.#kvi = kvi;
    this.#prefix = prefix;
    this.#from = fromRevision;
    this.done = this.#follow(pause);
  }

  hasTold(key: string): boolean {
    return this.#told.some((change) => change.key === key);
  }

  stop(): void {
    this.#stop.abort();
  }

  /** @param toRevision what was read, if not all of the record */
  verify(record: StoreRecord, toRevision = Infinity): void {
    for (const { from, to } of this.gaps) {
      assert.ok(to > from);
      // Nothing more is missing than what was given up.
      assert.ok(record.compactions.has(to - 1), `nothing was compacted at ${to - 1}`);
    }
    const isMissing = (revision: number): boolean =>
      this.gaps.some(({ from, to }) => revision >= from && revision < to);
    const expected = record
      .eventsFrom(this.#from)
      .filter(({ kv }) => kv.modRevision <= toRevision && !isMissing(kv.modRevision));
    assert.deepEqual(
      this.#told,
      expected.map(({ type, kv: { key, value, modRevision: revision } }) =>
        type === 'put' ? { key, revision, op: PUT, value } : { key, revision, op: DELETE, value: undefined },
      ),
    );
  }

  async #follow(pause: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    let from = this.#from;
    while (!signal.aborted) {
      try {
        for await (const change of this.#kvi.changes(
          { prefix: this.#prefix },
          { fromRevision: from, signal },
        )) {
          this.#told.push(change);
          from = change.revision + 1;
          await pause();
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof HmEtcdError)) throw error;
        if (error instanceof CompactedError) this.gaps.push({ from, to: error.revision });
        from = error instanceof CompactedError ? error.revision : from;
        await pause();
      }
    }
  }
}
