import { describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EtcdServer, startEtcd } from '../../support/etcd/etcd-server.js';
import { connect } from '../../etcd/support/connect.js';
import { report } from '../../etcd/locks/support/figures.js';
import { type Answers, type Grant, Locker } from '../../etcd/locks/support/locker.js';
import { untilQueued } from '../../etcd/locks/support/queue.js';
import { TRIALS } from '../../etcd/locks/support/trials.js';

const TTL_SEC = 4;

/** One stop of the process is a trial for each of its handles: their keep-alives are out of step. */
const HANDLES = 25;
const STOPS = Math.ceil(TRIALS / HANDLES);

interface Stage {
  readonly etcd: EtcdServer;
  readonly holder: Locker;
  /** Another process waits for all of the holder's locks: resolves when it has them. */
  readonly allGranted: Promise<ReadonlyMap<string, Grant>>;
}

type Stop = (stage: Stage) => Promise<Answers[]>;

async function stop({ holder, allGranted }: Stage): Promise<Answers[]> {
  await holder.startAsking();
  holder.pause();
  await allGranted;
  holder.resume();
  return holder.answers();
}

async function block({ etcd, holder, allGranted }: Stage): Promise<Answers[]> {
  const file = join(etcd.folder, 'granted');
  const answers = holder.blockUntil(file);
  await allGranted;
  await writeFile(file, '');
  return answers;
}

interface Trial {
  /** From the last answer that the lock is held to the grant of another. */
  readonly beforeMs: number;
  /** From that grant to the last answer that it is lost. */
  readonly afterMs: number;
}

/** One trial for each handle. */
async function trials(stopHolder: Stop): Promise<Trial[]> {
  await using etcd = await startEtcd();
  await using observer = await connect(etcd.endpoint);
  await using holder = new Locker();
  await using waiter = new Locker();
  const waiting = await waiter.open(etcd.endpoint);
  const names = Array.from({ length: HANDLES }, (_, index) => `lock-${index}`);
  for (const name of names) {
    await holder.lock(await holder.open(etcd.endpoint, { sessionTtlSec: TTL_SEC }), name);
  }
  const grants = names.map(async (name) => [name, await waiter.lock(waiting, name)] as const);
  const allGranted = Promise.all(grants).then((all) => new Map(all));
  await Promise.all(names.map((name) => untilQueued(observer.kvi, name, 2)));
  const answers = await stopHolder({ etcd, holder, allGranted });
  expect(await holder.lateWrites()).toEqual(names.map(() => 'LockLostError'));
  expect(await observer.kvi.getPrefix('late/')).toEqual([]);
  const granted = await allGranted;
  return answers.map(({ name, lastHeldAt, lastLostAt }) => {
    const { grantedAt } = granted.get(name)!;
    return { beforeMs: grantedAt - lastHeldAt, afterMs: lastLostAt - grantedAt };
  });
}

describe('a holder past its lease, after the grant of another, hears "lost" from assertHeld() and cannot write by lock.kv', () => {
  it.each([
    ['when it was stopped', stop],
    ['while it blocks its event loop', block],
  ])(
    '%s',
    async (what, stopHolder) => {
      const all: Trial[] = [];
      for (let stops = 0; stops < STOPS; stops++) all.push(...(await trials(stopHolder)));

      report(
        `From the last "held" ${what} to the grant of another`,
        all.map(({ beforeMs }) => beforeMs),
      );
      expect(all.filter(({ beforeMs, afterMs }) => !(beforeMs > 0 && afterMs > 0))).toEqual([]);
    },
    300_000,
  );
});
