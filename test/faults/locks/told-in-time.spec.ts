import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { type EtcdServer, startEtcd } from '../../support/etcd/etcd-server.js';
import { startProxy } from '../../support/etcd/tcp-proxy.js';
import { Random } from '../../support/erratic-store.js';
import { type Connection, connect } from '../../etcd/support/connect.js';
import { report } from '../../etcd/locks/support/figures.js';
import { Locker } from '../../etcd/locks/support/locker.js';
import { untilQueued } from '../../etcd/locks/support/queue.js';
import { runTrials } from '../../etcd/locks/support/trials.js';

/** The shortest session there is; etcd grants it as asked for. */
const TTL_SEC = 2;

/** Keep-alives are this far apart: the line is cut anywhere between two. */
const KEEP_ALIVE_MS = (TTL_SEC * 1000) / 3;

const AT_ONCE = 20;

interface Stage {
  readonly etcd: EtcdServer;
  readonly observer: Connection;
  readonly holder: Locker;
  readonly waiter: Locker;
  /** The waiter's one handle. */
  readonly waiting: number;
  readonly random: Random;
}

/** How long before the grant of another process the holder's signal aborted. */
async function headStart(stage: Stage, name: string): Promise<number> {
  const { etcd, observer, holder, waiter, waiting, random } = stage;
  await using proxy = await startProxy(etcd.ports.client);
  const holding = await holder.open(proxy.endpoint, { sessionTtlSec: TTL_SEC });
  await holder.lock(holding, name);
  const granted = waiter.lock(waiting, name);
  await untilQueued(observer.kvi, name, 2);
  await delay(random.next() * KEEP_ALIVE_MS);
  await proxy.swallow();
  const [abortedAt, { grantedAt }] = await Promise.all([holder.abortedAt(name), granted]);
  await proxy.pass();
  await Promise.all([holder.close(holding), waiter.release(name)]);
  return grantedAt - abortedAt;
}

describe('a holder whose line is cut without a word while another process waits', () => {
  it('is told each time before the other is granted the lock', async () => {
    await using etcd = await startEtcd();
    await using observer = await connect(etcd.endpoint);
    await using holder = new Locker();
    await using waiter = new Locker();
    const waiting = await waiter.open(etcd.endpoint);
    const stage = { etcd, observer, holder, waiter, waiting, random: new Random(1) };
    const headStarts = await runTrials(AT_ONCE, (trial) => headStart(stage, `lock-${trial}`));

    report("From the abort of the holder's signal to the grant of the other", headStarts);
    expect(headStarts.filter((ms) => !(ms > 0))).toEqual([]);
  }, 600_000);
});
