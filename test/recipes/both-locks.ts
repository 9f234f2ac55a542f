import { setTimeout as sleep } from 'node:timers/promises';
import { EtcdLockFailedError, type Etcd3 } from 'etcd3';
import type { HeldLock, Kvi } from 'nestjs-hmetcd';

/** For as long as replicas run that know etcd3's lock only. Like theirs it has no queue: it tries again and again. */
export function withBothLocks<T>(
  kvi: Kvi,
  old: Etcd3,
  name: string,
  fn: (lock: HeldLock) => Promise<T>,
): Promise<T> {
  return kvi.withLock(name, {}, async (lock) => {
    for (;;) {
      const oldLock = old.lock(name);
      try {
        await oldLock.acquire();
      } catch (error) {
        if (!(error instanceof EtcdLockFailedError)) throw error;
        await sleep(200, undefined, { signal: lock.signal });
        continue;
      }
      try {
        return await fn(lock);
      } finally {
        await oldLock.release();
      }
    }
  });
}
