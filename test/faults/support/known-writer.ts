import { DELETE, type KeyChange, PUT } from '../../../lib/kvi/key-change.js';
import type { Operation, Store } from '../../../lib/store/store.js';

/** How many puts of a backlog are under way at a time. */
const AT_ONCE = 100;

/** The only one who writes some keys: what has happened to them follows from what it was answered, without any watch. */
export class KnownWriter {
  /** In order of revision. */
  readonly changes: KeyChange[] = [];
  readonly #store: Store;
  readonly #present = new Set<string>();
  #values = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Puts the keys in one revision, which it answers. */
  async put(keys: readonly string[]): Promise<number> {
    const puts = keys.map((key) => ({ type: 'put' as const, key, value: String(this.#values++) }));
    const { revision } = await this.#store.txn({ success: puts });
    this.changes.push(...puts.map(({ key, value }) => ({ key, op: PUT, value, revision })));
    for (const key of keys) this.#present.add(key);
    return revision;
  }

  /** Deletes the keys in one revision, if any of them is there. */
  async delete(keys: readonly string[]): Promise<void> {
    const there = keys.filter((key) => this.#present.delete(key));
    const success = there.map((key): Operation => ({ type: 'delete', key }));
    const { revision } = await this.#store.txn({ success });
    this.changes.push(...there.map((key) => ({ key, op: DELETE, value: undefined, revision })));
  }

  /** Puts as many times one of the keys, each in a revision of its own. */
  async putOften(times: number, choose: () => string): Promise<void> {
    for (let left = times; left > 0; left -= AT_ONCE) {
      const length = Math.min(left, AT_ONCE);
      const written = this.changes.length;
      await Promise.all(Array.from({ length }, () => this.put([choose()])));
      const latest = this.changes.splice(written);
      this.changes.push(...latest.sort((a, b) => a.revision - b.revision));
    }
  }
}
