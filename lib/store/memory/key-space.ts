import type { KeyRecord, KeySpan } from '../store.js';
import { OrderedKeys } from './ordered-keys.js';

/** Where a key's present record is. Both indexes lead here, so that overwriting a key leaves them as they are. */
interface Place {
  record: KeyRecord;
}

/** The keys as they are now: hashed for one key, ordered for a range. */
export class KeySpace {
  readonly #places = new Map<string, Place>();
  /** With the places: to look each key of a range up would cost more than the rest of it. */
  readonly #order = new OrderedKeys<Place>();

  get(key: string): KeyRecord | undefined {
    return this.#places.get(key)?.record;
  }

  put(record: KeyRecord): void {
    const known = this.#places.get(record.key);
    if (known !== undefined) {
      known.record = record;
      return;
    }
    const place = { record };
    this.#places.set(record.key, place);
    this.#order.set(record.key, place);
  }

  delete(key: string): void {
    if (this.#places.delete(key)) this.#order.delete(key);
  }

  /** The records of a span in byte order; at most `limit` of them. */
  select(span: KeySpan, limit = Infinity): KeyRecord[] {
    const { key, rangeEnd } = span;
    if (rangeEnd === undefined) {
      const record = this.get(key);
      return record === undefined || limit < 1 ? [] : [record];
    }
    const found: KeyRecord[] = [];
    this.#order.walk({ key, rangeEnd }, ({ record }) => {
      if (found.length >= limit) return false;
      found.push(record);
      return true;
    });
    return found;
  }
}
