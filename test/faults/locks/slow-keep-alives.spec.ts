import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { type EtcdServer, startEtcd } from '../../support/etcd/etcd-server.js';
import { startProxy } from '../../support/etcd/tcp-proxy.js';
import { Dice } from '../../support/random.mjs';
import { type Connection, connect } from '../../etcd/support/connect.js';
import { report } from '../../etcd/locks/support/figures.js';
import { Locker } from '../../etcd/locks/support/locker.js';
import { untilQueued } from '../../etcd/locks/support/queue.js';
import { runTrials } from '../../etcd/locks/support/trials.js';

const TTL_SEC = 5;
const KEEP_ALIVE_MS = (TTL_SEC * 1000) / 3;

/** Of a keep-alive and of what confirms it, each there and back. An answer that takes longer than 1.5 s is none. */
const [SHORTEST_MS, LONGEST_MS] = [550, 650];
const WAYS = 4;

/** After the first keep-alive is confirmed and before the next. */
const CUT_WITHIN_MS = 1000;

const AT_ONCE = 20;

interface Stage {
  readonly etcd: EtcdServer;
  readonly observer: Connection;
  readonly holder: Locker;
  readonly waiter: Locker;
  /** The waiter's one handle. */
  readonly waiting: number;
  readonly dice: Dice;
}

/** How long before the grant of another process the holder's signal aborted. */
async function headStart(stage: Stage, name: string): Promise<number> {
  const { etcd, observer, holder, waiter, waiting, dice } = stage;
  await using line = await startProxy(etcd.ports.client);
  const holding = await holder.open(line.endpoint, { sessionTtlSec: TTL_SEC });
  await holder.lock(holding, name);
  const granted = waiter.lock(waiting, name);
  await untilQueued(observer.kvi, name, 2);
  const ms = SHORTEST_MS + dice.below(LONGEST_MS - SHORTEST_MS);
  line.delay(ms);
  await delay(KEEP_ALIVE_MS + WAYS * ms + dice.below(CUT_WITHIN_MS));
  await line.swallow();
  const [abortedAt, { grantedAt }] = await Promise.all([holder.abortedAt(name), granted]);
  await line.pass();
  await Promise.all([holder.close(holding), waiter.release(name)]);
  return grantedAt - abortedAt;
}

describe('a holder to whom the last answer to a keep-alive came late, over a line that is cut then', () => {
  it('is told each time before another is granted the lock', async () => {
    await using etcd = await startEtcd();
    await using observer = await connect(etcd.endpoint);
    await using holder = new Locker();
    await using waiter = new Locker();
    const waiting = await waiter.open(etcd.endpoint);
    const stage = { etcd, observer, holder, waiter, waiting, dice: new Dice(1) };
    const headStarts = await runTrials(AT_ONCE, (trial) => headStart(stage, `lock-${trial}`));

    report("From the abort of the signal of a holder on a slow line to the other's grant", headStarts);
    expect(headStarts.filter((ms) => !(ms > 0))).toEqual([]);
  }, 600_000);
});
