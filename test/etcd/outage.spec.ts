import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { OutcomeUnknownError, RequestTimeoutError, UnavailableError } from '../../lib/store/errors.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { connect } from './support/connect.js';
import { Follower } from './support/follower.js';

/** More than one attempt of a call; the servers' outages last several calls. */
const REQUEST_MS = 1500;
const OUTAGE_MS = 6000;

/** For a machine that does other things, too. */
const SLACK_MS = 1000;

interface Ending {
  readonly error: unknown;
  readonly tookMs: number;
}

async function endingOf(call: Promise<unknown>): Promise<Ending> {
  const start = performance.now();
  const error = await call.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  return { error, tookMs: performance.now() - start };
}

/** One call after the other for as long as the outage lasts. */
async function endingsOf(call: () => Promise<unknown>): Promise<Ending[]> {
  const endings: Ending[] = [];
  const end = performance.now() + OUTAGE_MS;
  while (performance.now() < end) endings.push(await endingOf(call()));
  return endings;
}

function expectAll(endings: readonly Ending[], kind: new (...args: never[]) => Error): void {
  expect(endings.map(({ error }) => (error as Error | undefined)?.name)).toEqual(
    endings.map(() => kind.name),
  );
  for (const { error, tookMs } of endings) {
    expect(tookMs).toBeLessThan(REQUEST_MS + SLACK_MS);
    expect((error as Error).message).toContain('http://127.0.0.1:');
  }
}

/** How long it takes until a call is answered, counted from now. */
async function untilWorks(kvi: Kvi): Promise<number> {
  const start = performance.now();
  for (;;) {
    const { error } = await endingOf(kvi.get('a'));
    if (error === undefined) return performance.now() - start;
  }
}

/** How long it takes until a subscriber sees a write of another handle that is made now. */
async function untilSeen(follower: Follower, etcd: EtcdServer, key: string): Promise<number> {
  const start = performance.now();
  await etcd.ctl('put', key, '');
  await follower.reached(key);
  return performance.now() - start;
}

describe('a server that is down', () => {
  it('makes calls fail in time, says so once for the watches, and is used again at once', async () => {
    await using etcd = await startEtcd();
    await using connection = await connect(etcd.endpoint, { requestTimeoutMs: REQUEST_MS });
    const { kvi, logger } = connection;
    await using follower = new Follower(kvi, { prefix: 'k/' });
    await kvi.store('k/before', '');
    await follower.reached('k/before');
    await etcd.kill();
    const [reads, writes] = await Promise.all([
      endingsOf(() => kvi.get('a')),
      endingsOf(() => kvi.store('a', '')),
    ]);
    await etcd.restart();
    const calls = await untilWorks(kvi);
    const watches = await untilSeen(follower, etcd, 'k/after');

    expectAll(reads, UnavailableError);
    // The first may have been on its way when the connection broke.
    expectAll(writes.slice(1), UnavailableError);
    expect(calls).toBeLessThan(1000 + SLACK_MS);
    expect(watches).toBeLessThan(2000 + SLACK_MS);
    expect(logger.at('warn')).toEqual([
      expect.stringMatching(/^The watch stream to http.* ended: .*Reconnecting\.$/),
    ]);
  }, 60_000);
});

describe('a server that is paused', () => {
  it('makes reads time out at their deadline and leaves the outcome of writes open', async () => {
    await using etcd = await startEtcd();
    await using connection = await connect(etcd.endpoint, { requestTimeoutMs: REQUEST_MS });
    const { kvi } = connection;
    await using follower = new Follower(kvi, { prefix: 'k/' });
    await kvi.store('k/before', '');
    await follower.reached('k/before');
    etcd.pause();
    const [reads, writes] = await Promise.all([
      endingsOf(() => kvi.get('a')),
      endingsOf(() => kvi.store('a', '')),
    ]);
    etcd.resume();
    const calls = await untilWorks(kvi);
    const watches = await untilSeen(follower, etcd, 'k/after');

    expectAll(reads, RequestTimeoutError);
    expectAll(writes.slice(0, 1), OutcomeUnknownError);
    for (const { error, tookMs } of writes) {
      expect((error as Error).name).toMatch(/^(OutcomeUnknownError|RequestTimeoutError|UnavailableError)$/);
      expect(tookMs).toBeLessThan(REQUEST_MS + SLACK_MS);
    }
    expect(calls).toBeLessThan(2000 + SLACK_MS);
    expect(watches).toBeLessThan(2000 + SLACK_MS);
  }, 60_000);

  it('that stays so until the connection is given up is used again in time', async () => {
    await using etcd = await startEtcd();
    await using connection = await connect(etcd.endpoint, { requestTimeoutMs: REQUEST_MS });
    const { kvi } = connection;
    await using follower = new Follower(kvi, { prefix: 'k/' });
    await kvi.store('k/before', '');
    await follower.reached('k/before');
    etcd.pause();
    // gRPC pings after 5 s without a word, and waits 3 s for the answer.
    await delay(12_000);
    expect((await endingOf(kvi.get('a'))).error).toBeInstanceOf(RequestTimeoutError);
    etcd.resume();

    expect(await untilWorks(kvi)).toBeLessThan(2000 + SLACK_MS);
    expect(await untilSeen(follower, etcd, 'k/after')).toBeLessThan(2000 + SLACK_MS);
  }, 60_000);
});
