import { describe, expect, it } from '@jest/globals';
import { LockLostError } from '../../../lib/kvi/errors.js';
import type { HeldLock } from '../../../lib/kvi/kvi.js';
import { openEtcdStore } from '../../../lib/store/etcd/open-etcd-store.js';
import type { Store } from '../../../lib/store/store.js';
import { type EtcdServer, startEtcd } from '../../support/etcd/etcd-server.js';
import { poll } from '../../support/etcd/poll.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { connect } from '../support/connect.js';
import { report } from './support/figures.js';

const TRIALS = 20;

const OPTIONS = { connectTimeoutMs: 5000, requestTimeoutMs: 5000, logger: new RecordingLogger() };

function deleteKey(store: Store, { key }: HeldLock): Promise<unknown> {
  return store.txn({ success: [{ type: 'delete', key }] });
}

function revokeLease(store: Store, { name, key }: HeldLock): Promise<unknown> {
  const [lease] = key.slice(`${name}/`.length).split('-');
  return store.leaseRevoke(lease!);
}

/** A watch begins behind, at the revision of the lock's key; etcd brings it up to the present ten times a second. */
async function untilWatching(etcd: EtcdServer): Promise<void> {
  await poll('the watch has caught up', async () => {
    const metrics = await etcd.metrics();
    const watchers = metrics.sum('etcd_debugging_mvcc_watcher_total');
    return (watchers === 1 && metrics.sum('etcd_debugging_mvcc_slow_watcher_total') === 0) || undefined;
  });
}

/** How long after it was begun a removal is known to the lock. */
async function untilTold(lock: HeldLock, remove: () => Promise<unknown>): Promise<number> {
  const told = new Promise<number>((resolve) => {
    lock.signal.addEventListener('abort', () => resolve(performance.now()));
  });
  const start = performance.now();
  await remove();
  return (await told) - start;
}

describe('a holder is told as soon as it is seen that an operator', () => {
  it.each([
    ['deleted its key', deleteKey],
    ['revoked its lease', revokeLease],
  ])('%s', async (what, remove) => {
    await using etcd = await startEtcd();
    await using holder = await connect(etcd.endpoint);
    const operator = await openEtcdStore([etcd.endpoint], OPTIONS);
    const times: number[] = [];
    try {
      for (let trial = 0; trial < TRIALS; trial++) {
        const lock = await holder.kvi.lock(`lock-${trial}`);
        await untilWatching(etcd);
        times.push(await untilTold(lock, () => remove(operator, lock)));
        expect(() => lock.assertHeld()).toThrow(LockLostError);
        await expect(lock.release()).rejects.toThrow(LockLostError);
      }
    } finally {
      await operator.close();
    }
    report(`An operator ${what}: told after`, times);
    // Sooner than any keep-alive would tell, and than our own look at the clock.
    expect(Math.max(...times)).toBeLessThan(1000);
  });
});
