import { describe, expect, it } from '@jest/globals';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { LockLostError } from '../../../lib/kvi/errors.js';
import type { HeldLock, Kvi } from '../../../lib/kvi/kvi.js';
import { connect } from '../../etcd/support/connect.js';
import { queueOf, untilQueued } from '../../etcd/locks/support/queue.js';
import { runTrials } from '../../etcd/locks/support/trials.js';
import { type EtcdServer, startEtcd } from '../../support/etcd/etcd-server.js';
import { startProxy } from '../../support/etcd/tcp-proxy.js';
import { Dice } from '../../support/random.mjs';

const AT_ONCE = 10;

/** What takes a lock from its holder behind its back. */
const LOSSES: readonly ((etcd: EtcdServer, lock: HeldLock) => Promise<unknown>)[] = [
  (etcd, { key }) => etcd.ctl('del', key),
  (etcd, { name, key }) => etcd.ctl('lease', 'revoke', key.slice(`${name}/`.length).split('-')[0]!),
];

interface Stage {
  readonly etcd: EtcdServer;
  readonly other: Kvi;
  readonly dice: Dice;
}

/** How the holder's release ended, that came over its line after the grant of another. */
async function lateRelease({ etcd, other, dice }: Stage, name: string): Promise<unknown> {
  await using line = await startProxy(etcd.ports.client);
  await using connection = await connect(line.endpoint, { sessionTtlSec: 60 });
  const lock = await connection.kvi.lock(name);
  const waiting = other.lock(name);
  await untilQueued(other, name, 2);
  await line.hold();
  await dice.pick(LOSSES)(etcd, lock);
  const next = await waiting;
  const releasing = lock.release().catch((error: unknown) => error);
  // It is on its way before what the line has held back arrives.
  await eventLoopTurn();
  await line.pass();
  const ending = await releasing;
  next.assertHeld();
  expect(await queueOf(other, name)).toEqual([{ key: next.key, token: next.fencingToken }]);
  await next.release();
  return ending;
}

describe('a release that comes after the lock was taken away and granted to another', () => {
  it('is told so, and takes nothing from the other', async () => {
    await using etcd = await startEtcd();
    await using other = await connect(etcd.endpoint);
    const stage = { etcd, other: other.kvi, dice: new Dice(1) };
    const endings = await runTrials(AT_ONCE, (trial) => lateRelease(stage, `lock-${trial}`));

    expect(endings).toEqual(endings.map(() => expect.any(LockLostError)));
  }, 300_000);
});
