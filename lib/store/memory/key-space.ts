import type { KeyRecord, KeySpan } from '../store.js';
import { OrderedKeys } from './ordered-keys.js';

/** The keys as they are now: hashed for one key, ordered for a range. */
export class KeySpace {
  readonly #records = new Map<string, KeyRecord>();
  readonly #order = new OrderedKeys();

  get(key: string): KeyRecord | undefined {
    return this.#records.get(key);
  }

  put(record: KeyRecord): void {
    const known = this.#records.size;
    this.#records.set(record.key, record);
    if (this.#records.size > known) this.#order.add(record.key);
  }

  delete(key: string): void {
    if (this.#records.delete(key)) this.#order.delete(key);
  }

  /** The records of a span in byte order; at most `limit` of them. */
  select(span: KeySpan, limit = Infinity): KeyRecord[] {
    const { key, rangeEnd } = span;
    if (rangeEnd === undefined) {
      const record = this.#records.get(key);
      return record === undefined || limit < 1 ? [] : [record];
    }
    const found: KeyRecord[] = [];
    this.#order.walk({ key, rangeEnd }, (next) => {
      if (found.length >= limit) return false;
      found.push(this.#records.get(next)!);
      return true;
    });
    return found;
  }
}
