import type { KeyChange } from '../kvi/key-change.js';
import type { ChangesOptions, KeyRange, Kvi, Snapshot } from '../kvi/kvi.js';

/** What a handler's changes come from. */
export interface ChangeSource {
  changes(range: KeyRange, options: ChangesOptions): ChangeSequence;
  snapshot(range: KeyRange): Promise<Snapshot>;
}

export interface ChangeSequence extends AsyncIterable<KeyChange> {
  /** Settles when it is fixed which change will be the first. */
  readonly ready?: Promise<void>;
}

/**
 * A connection as a source. It may be a mock, made for a test of something else: what such a one does not answer
 * counts as nothing there and nothing changed, for it must not break the start.
 */
export function changeSource(kvi: Partial<Kvi>): ChangeSource {
  return {
    changes(range, options) {
      const changes: unknown = kvi.changes?.(range, options);
      return isAsyncIterable(changes) ? changes : noChanges();
    },
    async snapshot(range) {
      const snapshot = await kvi.snapshot?.(range);
      return Array.isArray(snapshot?.entries) ? snapshot : { revision: 0, entries: [] };
    },
  };
}

function isAsyncIterable(given: unknown): given is ChangeSequence {
  return typeof given === 'object' && given !== null && Symbol.asyncIterator in given;
}

async function* noChanges(): AsyncGenerator<KeyChange> {}
