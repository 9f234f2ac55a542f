import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { OutcomeUnknownError, RequestTimeoutError, UnavailableError } from '../../lib/store/errors.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { connect } from '../etcd/support/connect.js';
import { Follower } from '../etcd/support/follower.js';

/** More than one attempt of a call; the outages last many calls. */
const REQUEST_MS = 1500;

/** gRPC pings after 5 s without a word and waits 3 s for the answer: the connection is lost in the midst of it. */
const OUTAGE_MS = 20_000;

const WRITERS = 20;

/** For a machine that does other things, too. */
const SLACK_MS = 3000;

/** A server that was stopped reads now what it was sent meanwhile, and nothing tells when it has come to the end. */
const LATE_MS = 1000;

interface Ending {
  readonly key: string;
  readonly error: unknown;
  readonly tookMs: number;
}

async function endingOf(key: string, call: (key: string) => Promise<unknown>): Promise<Ending> {
  const start = performance.now();
  const error = await call(key).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  return { key, error, tookMs: performance.now() - start };
}

/** One call after the other for as long as the outage lasts, each of a key of its own. */
async function endingsOf(name: string, call: (key: string) => Promise<unknown>): Promise<Ending[]> {
  const endings: Ending[] = [];
  const end = performance.now() + OUTAGE_MS;
  while (performance.now() < end) endings.push(await endingOf(`k/${name}/${endings.length}`, call));
  return endings;
}

/** What calls end with in an outage that has begun; the writes by writer. */
async function sufferOutage(kvi: Kvi): Promise<{ reads: Ending[]; writes: Ending[][] }> {
  const writers = Array.from({ length: WRITERS }, (_, writer) =>
    endingsOf(`writer-${writer}`, (key) => kvi.store(key, '')),
  );
  const reads = await endingsOf('reader', (key) => kvi.get(key));
  return { reads, writes: await Promise.all(writers) };
}

function expectInTime(endings: readonly Ending[]): void {
  for (const { error, tookMs } of endings) {
    expect(tookMs).toBeLessThan(REQUEST_MS + SLACK_MS);
    expect((error as Error).message).toContain('http://127.0.0.1:');
  }
}

function namesOf(endings: readonly Ending[]): Set<string | undefined> {
  return new Set(endings.map(({ error }) => (error as Error | undefined)?.name));
}

/** How long it takes until calls are answered and a subscriber sees what another handle writes, counted from now. */
async function recovery(
  kvi: Kvi,
  follower: Follower,
  etcd: EtcdServer,
): Promise<{ calls: number; watches: number }> {
  const start = performance.now();
  const untilWorks = async (call: (key: string) => Promise<unknown>): Promise<number> => {
    while ((await endingOf('a', call)).error !== undefined);
    return performance.now() - start;
  };
  const untilSeen = async (): Promise<number> => {
    await etcd.ctl('put', 'k/after', '');
    await follower.reached('k/after');
    return performance.now() - start;
  };
  const [reads, writes, watches] = await Promise.all([
    untilWorks((key) => kvi.get(key)),
    untilWorks((key) => kvi.store(key, '')),
    untilSeen(),
  ]);
  return { calls: Math.max(reads, writes), watches };
}

/** The keys of all puts, also of those that a server applies late. */
async function appliedAtLast(kvi: Kvi, follower: Follower): Promise<string[]> {
  await delay(LATE_MS);
  await kvi.store('k/end', '');
  await follower.reached('k/end');
  return follower.changes.map(({ key }) => key);
}

const isUnknown = ({ error }: Ending): boolean => error instanceof OutcomeUnknownError;

/** No write was applied that was said not to be, and none was applied twice. */
function expectTruth(writes: readonly Ending[], applied: readonly string[]): void {
  expect(applied).toEqual([...new Set(applied)]);
  expect(writes.filter((write) => !isUnknown(write) && applied.includes(write.key))).toEqual([]);
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
    const { reads, writes } = await sufferOutage(kvi);
    await etcd.restart();
    const { calls, watches } = await recovery(kvi, follower, etcd);
    const applied = await appliedAtLast(kvi, follower);

    expectTruth(writes.flat(), applied);
    expect(namesOf(reads)).toEqual(new Set([UnavailableError.name]));
    // The first of each may have been on its way when the connection broke. One that waits behind it is just late.
    const errors = writes.flatMap((endings) => endings.slice(1)).map(({ error }) => error);
    expect(errors.filter((error) => !(error instanceof RequestTimeoutError))).not.toEqual([]);
    expect(
      errors.filter((error) => !(error instanceof UnavailableError || error instanceof RequestTimeoutError)),
    ).toEqual([]);
    expectInTime([...reads, ...writes.flat()]);
    expect(calls).toBeLessThan(1000 + SLACK_MS);
    expect(watches).toBeLessThan(2000 + SLACK_MS);
    expect(logger.at('warn')).toEqual([
      expect.stringMatching(/^The watch stream to http.* ended: .*Reconnecting\.$/),
    ]);
  }, 60_000);
});

describe('a server that is paused', () => {
  it('makes calls end at their deadline, tells the truth about writes, and is used again at once', async () => {
    await using etcd = await startEtcd();
    await using connection = await connect(etcd.endpoint, { requestTimeoutMs: REQUEST_MS });
    const { kvi } = connection;
    await using follower = new Follower(kvi, { prefix: 'k/' });
    await kvi.store('k/before', '');
    await follower.reached('k/before');
    etcd.pause();
    const { reads, writes } = await sufferOutage(kvi);
    etcd.resume();
    const { calls, watches } = await recovery(kvi, follower, etcd);
    const applied = await appliedAtLast(kvi, follower);

    expectTruth(writes.flat(), applied);
    // At first its connection stands. It is given up later, and so are those that only its system accepts.
    const isLate = ({ error }: Ending): boolean => error instanceof RequestTimeoutError;
    const isAway = ({ error }: Ending): boolean => error instanceof UnavailableError;
    expect(reads.slice(0, 3).every(isLate)).toBe(true);
    expect(reads.filter((read) => !isLate(read) && !isAway(read))).toEqual([]);
    expect(namesOf(writes.map(([first]) => first!))).toEqual(new Set([OutcomeUnknownError.name]));
    const endings = writes.flat();
    expect(endings.some(isLate)).toBe(true);
    expect(endings.filter((write) => !isUnknown(write) && !isLate(write) && !isAway(write))).toEqual([]);
    expectInTime([...reads, ...writes.flat()]);
    expect(calls).toBeLessThan(2000 + SLACK_MS);
    expect(watches).toBeLessThan(2000 + SLACK_MS);
  }, 60_000);
});
