import { type KeyChange, PUT } from '../../../lib/kvi/key-change.js';
import { groupBy } from '../support/group-by.js';

/** All that happened in a store, as it tells when asked for it from the first revision. */
export class Replay {
  readonly changes: readonly KeyChange[];
  readonly #byKey: ReadonlyMap<string, readonly KeyChange[]>;
  readonly #puts: ReadonlyMap<string, readonly KeyChange[]>;

  /** @param changes in order of revision */
  constructor(changes: readonly KeyChange[]) {
    this.changes = changes;
    this.#byKey = groupBy(changes, ({ key }) => key);
    this.#puts = groupBy(
      changes.filter(({ op }) => op === PUT),
      ({ key, value }) => nameOf(key, value!),
    );
  }

  /** Undefined: there was no such key. */
  valueAt(key: string, revision: number): string | undefined {
    const changes = this.#byKey.get(key) ?? [];
    let [low, high] = [0, changes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (changes[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return changes[low - 1]?.value;
  }

  /** The only change that put this value there; undefined if there are more, or none. */
  writeOf(key: string, value: string): KeyChange | undefined {
    const [one, another] = this.#puts.get(nameOf(key, value)) ?? [];
    return another ? undefined : one;
  }
}

function nameOf(key: string, value: string): string {
  return JSON.stringify([key, value]);
}
