import assert from 'node:assert/strict';
import { type KeyChange, PUT } from '../../lib/kvi/key-change.js';
import type { LiveView } from '../../lib/kvi/kvi.js';
import { HmEtcdError } from '../../lib/store/errors.js';
import { byKey, type State, type StoreRecord } from './store-record.js';

/** Keeps what a view has shown and told, to be held against what really was. */
export class CheckedView {
  readonly view: LiveView;
  readonly told: KeyChange[] = [];
  readonly #shown: { readonly revision: number; readonly state: State }[] = [];
  /** What somebody knows who looked once, and then only listened. */
  readonly #heard: Map<string, string>;
  readonly #wrong: string[] = [];

  constructor(view: LiveView) {
    this.view = view;
    this.#heard = new Map(view);
    this.look();
    view.onChange((change) => this.#listen(change));
  }

  look(): void {
    this.#shown.push({ revision: this.view.revision, state: [...this.view] });
  }

  /** @param present a revision that the store has reached. Answers whether the view was in step in time. */
  async sync(present: number): Promise<boolean> {
    try {
      await this.view.sync();
    } catch (error) {
      if (error instanceof HmEtcdError) return false;
      throw error;
    }
    this.look();
    if (this.view.revision < present) this.#wrong.push(`${this.view.revision} after sync at ${present}`);
    if (!isSame([...this.#heard].sort(byKey), [...this.view]))
      this.#wrong.push('what was told is not what is shown');
    return true;
  }

  verify(record: StoreRecord): void {
    assert.deepEqual(this.#wrong, []);
    for (const { revision, state } of this.#shown) {
      if (!isSame(state, record.stateAt(revision))) {
        assert.deepEqual({ revision, state }, { revision, state: record.stateAt(revision) });
      }
    }
    const revisions = this.told.map(({ revision }) => revision);
    assert.deepEqual(
      revisions,
      revisions.toSorted((a, b) => a - b),
    );
  }

  /** For a view that has lost nothing: everything is told, once. */
  verifyComplete(record: StoreRecord): void {
    assert.deepEqual(
      this.told.map(({ key, revision, value }) => [key, revision, value]),
      record
        .eventsFrom(this.#shown[0]!.revision + 1)
        .map(({ type, kv }) => [kv.key, kv.modRevision, type === 'put' ? kv.value : undefined]),
    );
  }

  #listen(change: KeyChange): void {
    this.look();
    if (change.prevValue !== this.#heard.get(change.key)) this.#wrong.push(`prevValue at ${change.revision}`);
    this.told.push(change);
    if (change.op === PUT) this.#heard.set(change.key, change.value);
    else this.#heard.delete(change.key);
  }
}

function isSame(a: State, b: State): boolean {
  return (
    a.length === b.length && a.every(([key, value], index) => b[index]![0] === key && b[index]![1] === value)
  );
}
