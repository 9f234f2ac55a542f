import { type KeyChange, PUT } from '../../../lib/kvi/key-change.js';
import { groupBy } from '../support/group-by.js';
import { countBefore } from './bisect.js';

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
    const count = countBefore(changes, (change) => change.revision <= revision);
    return changes[count - 1]?.value;
  }

  /** The changes that put this value there. */
  putsOf(key: string, value: string): readonly KeyChange[] {
    return this.#puts.get(nameOf(key, value)) ?? [];
  }

  /** The only change that put this value there; undefined if there are more, or none. */
  writeOf(key: string, value: string): KeyChange | undefined {
    const [one, another] = this.putsOf(key, value);
    return another ? undefined : one;
  }

  /** The changes from one revision to another, both included. */
  between(from: number, to: number): readonly KeyChange[] {
    const [first, next] = [from, to + 1].map((end) =>
      countBefore(this.changes, ({ revision }) => revision < end),
    );
    return this.changes.slice(first, next);
  }
}

function nameOf(key: string, value: string): string {
  return JSON.stringify([key, value]);
}
