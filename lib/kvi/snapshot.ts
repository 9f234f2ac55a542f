import type { KeySpan, Store } from '../store/store.js';
import { isReserved } from './keys.js';
import type { Snapshot } from './kvi.js';

/** A range as it is now, with the revision it was read at. */
export async function readSnapshot(store: Store, span: KeySpan): Promise<Snapshot> {
  const { revision, kvs } = await store.range(span);
  const entries = kvs
    .filter(({ key }) => !isReserved(key))
    .map(({ key, value, modRevision }) => ({ key, value, revision: modRevision }));
  return { revision, entries };
}
