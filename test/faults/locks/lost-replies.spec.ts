import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { LockLostError } from '../../../lib/kvi/errors.js';
import type { HeldLock, Kvi } from '../../../lib/kvi/kvi.js';
import { OutcomeUnknownError, UnavailableError } from '../../../lib/store/errors.js';
import { type EtcdServer, startEtcd } from '../../support/etcd/etcd-server.js';
import { startProxy, type TcpProxy } from '../../support/etcd/tcp-proxy.js';
import { Random } from '../../support/erratic-store.js';
import { connect } from '../../etcd/support/connect.js';
import { queueOf, untilQueued } from '../../etcd/locks/support/queue.js';
import { runTrials, TRIALS } from '../../etcd/locks/support/trials.js';

const AT_ONCE = 20;

/** More than the time after which a removal that was not answered is tried again. */
const RETRIED_MS = 700;

/** The server has done what it was asked; the client hears nothing of it, or not the end. */
const LOSSES: readonly ((line: TcpProxy) => Promise<void>)[] = [
  (line) => line.dropNextResponse(),
  (line) => line.cutAfterMessages(1),
];

interface Trial {
  readonly name: string;
  readonly random: Random;
  /** Whose answers are lost. */
  readonly unlucky: Kvi;
  readonly line: TcpProxy;
  readonly other: Kvi;
}

/** What the call answered or threw, after an answer to it was lost. */
async function withLostAnswer<T>({ line, random }: Trial, call: () => Promise<T>): Promise<T | Error> {
  const lost = random.pick(LOSSES)(line);
  const answer = await call().catch((error: Error) => error);
  await lost;
  return answer;
}

async function loseAcquire(trial: Trial): Promise<string> {
  const { name, random, unlucky, other } = trial;
  const before = random.pick([true, false]) ? await other.lock(name) : undefined;
  const timeoutSec = random.pick([0, undefined]);
  const answer = await withLostAnswer(trial, () => unlucky.lock(name, { timeoutSec }));
  await before?.release();
  expect(answer).toBeInstanceOf(UnavailableError);
  return 'not acquired';
}

async function loseRelease(trial: Trial): Promise<string> {
  const { name, random, unlucky, other } = trial;
  const lock = await unlucky.lock(name);
  const waiting = random.pick([true, false]) ? other.lock(name) : undefined;
  if (waiting !== undefined) await untilQueued(other, name, 2);
  const answer = await withLostAnswer(trial, () => lock.release());
  expect(() => lock.assertHeld()).toThrow(LockLostError);
  // The removal goes on while the caller has the lock again.
  const again = await (waiting ?? unlucky.lock(name));
  await delay(RETRIED_MS);
  await expectHeld(other, again);
  await again.release();
  if (answer === undefined) return 'released';
  expect(answer).toBeInstanceOf(OutcomeUnknownError);
  return 'release unknown';
}

async function expectHeld(kvi: Kvi, lock: HeldLock): Promise<void> {
  lock.assertHeld();
  const [first] = await queueOf(kvi, lock.name);
  expect(first).toEqual({ key: lock.key, token: lock.fencingToken });
}

/** Nobody is left in possession, and nobody's removal takes away what is another's. */
async function expectFree({ name, unlucky, other }: Trial): Promise<void> {
  const next = await other.lock(name, { timeoutSec: 2 });
  await delay(RETRIED_MS);
  await expectHeld(other, next);
  const last = unlucky.lock(name);
  await untilQueued(other, name, 2);
  await next.release();
  await expectHeld(other, await last);
  await (await last).release();
  expect(await queueOf(other, name)).toEqual([]);
}

async function run(etcd: EtcdServer, other: Kvi, number: number): Promise<string> {
  const random = new Random(number);
  await using line = await startProxy(etcd.ports.client);
  await using connection = await connect(line.endpoint, { sessionTtlSec: 60 });
  const trial = { name: `lock-${number}`, random, unlucky: connection.kvi, line, other };
  // The lease is granted before anything is lost.
  await (await connection.kvi.lock(`warm-up-${number}`)).release();
  const outcome = await random.pick([loseAcquire, loseRelease])(trial);
  await expectFree(trial);
  return outcome;
}

describe('an acquire or a release whose answer is lost', () => {
  it('leaves no lock that nobody holds, none that two hold, and removes no key of another', async () => {
    await using etcd = await startEtcd();
    await using other = await connect(etcd.endpoint);
    const outcomes = await runTrials(AT_ONCE, (number) => run(etcd, other.kvi, number));

    const counts = new Map<string, number>();
    for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    process.stdout.write(`${TRIALS} lost answers: ${JSON.stringify(Object.fromEntries(counts))}\n`);
    expect([...counts.keys()]).toEqual(expect.arrayContaining(['not acquired', 'release unknown']));
  }, 600_000);
});
