import { randomUUID } from 'node:crypto';
import { type Kvi, open } from '../../../lib/index.js';
import { memoryDatabase } from '../../../lib/store/memory/memory-store.js';
import { RecordingLogger } from '../../support/recording-logger.js';

/** Where a store is, as options of a connection. */
export interface Place {
  readonly endpoint: string;
  readonly namespace: string;
}

/** The kind of store that the tests of a file run on. */
export interface Stores {
  newStore(): Place;
  /** Forgets the history before a revision. */
  compact(place: Place, revision: number): Promise<void>;
}

let stores: Stores = {
  newStore: () => ({ endpoint: `mem:${randomUUID()}`, namespace: '' }),
  async compact({ endpoint }, revision) {
    memoryDatabase(endpoint.slice('mem:'.length)).compact(revision);
  },
};

/** Called by the setup of a Jest project whose tests run on other stores than `mem:`. */
export function useStores(others: Stores): void {
  stores = others;
}

/** A store that no other test knows. */
export const newStore = (): Place => stores.newStore();

export const compact = (place: Place, revision: number): Promise<void> => stores.compact(place, revision);

/** A handle that is no application's. */
export function openOn({ endpoint, namespace }: Place): Promise<Kvi> {
  return open(endpoint, { namespace, logger: new RecordingLogger() });
}
