import type { KeySpan, Store } from '../store/store.js';
import { isReserved } from './keys.js';
import type { Snapshot } from './kvi.js';

/** A range with the revision it was read at: now, or `revision`. */
export async function readSnapshot(store: Store, span: KeySpan, revision?: number): Promise<Snapshot> {
  const response = await store.range({ ...span, revision });
  const entries = response.kvs
    .filter(({ key }) => !isReserved(key))
    .map(({ key, value, modRevision }) => ({ key, value, revision: modRevision }));
  return { revision: revision ?? response.revision, entries };
}
