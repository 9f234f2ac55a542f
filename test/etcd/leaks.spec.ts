import { describe, expect, it } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';
import { connect } from './support/connect.js';

const CYCLES = 2000;
const AT_ONCE = 10;

/** What a leak of one small object a cycle would exceed several times. */
const HEAP_GROWTH_BYTES = 2 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

interface Counts {
  readonly watchers: number;
  readonly streams: number;
  readonly leases: number;
}

async function countsOf(etcd: EtcdServer): Promise<Counts> {
  const metrics = await etcd.metrics();
  return {
    watchers: metrics.sum('etcd_debugging_mvcc_watcher_total'),
    streams: metrics.sum('etcd_debugging_mvcc_watch_stream_total'),
    leases:
      metrics.sum('etcd_debugging_lease_granted_total') - metrics.sum('etcd_debugging_lease_revoked_total'),
  };
}

async function cycle(kvi: Kvi, number: number): Promise<void> {
  const controller = new AbortController();
  const watch = await kvi.watchWithCB(`k/${number}`, 1, () => undefined);
  const changes = kvi.changes({ prefix: `k/${number}` }, { signal: controller.signal });
  const pending = changes[Symbol.asyncIterator]().next();
  const lock = await kvi.lock(`lock/${number}`);
  await lock.release();
  await kvi.watchCBCancel(watch);
  controller.abort();
  await pending.catch(() => undefined);
}

async function cycles(kvi: Kvi, count: number): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => cycle(kvi, index)));
  }
}

/** Of one moment: the watch of a cancelled one may still be begun, and ended, behind another. */
function countsWithoutWatchers(etcd: EtcdServer): Promise<Counts> {
  return poll('the watchers go', async () => {
    const counts = await countsOf(etcd);
    return counts.watchers === 0 ? counts : undefined;
  });
}

function heapBytes(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe('2,000 cycles of watch and cancel, lock and unlock', () => {
  it('leave nothing on the server and nothing in the heap', async () => {
    await using etcd = await startEtcd();
    await using connection = await connect(etcd.endpoint);
    await cycles(connection.kvi, 200);
    const before = { counts: await countsWithoutWatchers(etcd), heap: heapBytes() };
    await cycles(connection.kvi, CYCLES);
    const after = { counts: await countsWithoutWatchers(etcd), heap: heapBytes() };

    expect(after.counts).toEqual(before.counts);
    expect(before.counts).toEqual({ watchers: 0, streams: 1, leases: 1 });
    expect(after.heap - before.heap).toBeLessThan(HEAP_GROWTH_BYTES);
  }, 180_000);

  it('and a closed handle leave no stream and no lease', async () => {
    await using etcd = await startEtcd();
    const connection = await connect(etcd.endpoint);
    await cycles(connection.kvi, AT_ONCE);
    await connection.kvi.close();

    await poll('the stream goes', async () => (await countsOf(etcd)).streams === 0 || undefined);
    expect(await countsOf(etcd)).toEqual({ watchers: 0, streams: 0, leases: 0 });
  }, 30_000);
});
