import { prefixSpan } from '../store/key-span.js';
import type { KeyRecord, Store } from '../store/store.js';
import { isQueueKey, lockPrefix } from './keys.js';
import type { LockInfo, LockPlace } from './kvi.js';
import { readOwner } from './owner.js';

/** Who holds a lock and who waits for it, at one revision. */
export async function readLockInfo(store: Store, name: string): Promise<LockInfo> {
  const { kvs } = await store.range({ ...prefixSpan(lockPrefix(name)), oldestFirst: true });
  const [holder, ...queue] = kvs.filter((record) => isQueueKey(name, record)).map(toPlace);
  return { holder, queue };
}

function toPlace({ key, value, lease, createRevision }: KeyRecord): LockPlace {
  return { key, lease, fencingToken: createRevision, ...readOwner(value) };
}
