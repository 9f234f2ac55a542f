import { describe, expect, it } from '@jest/globals';
import { OutcomeUnknownError } from '../../lib/store/errors.js';
import { type EtcdCluster, startCluster } from '../support/etcd/etcd-cluster.js';
import { poll } from '../support/etcd/poll.js';
import { connect } from '../etcd/support/connect.js';
import { Follower } from '../etcd/support/follower.js';
import { Writer } from '../etcd/support/writer.js';

/** Each takes as long as an election and a lost write do; with 100, the suite takes some minutes. */
const TRIALS = Number(process.env.LEADER_LOSS_TRIALS ?? 5);

/** A trial mostly waits for writes that are lost: several clusters have theirs side by side. */
const CLUSTERS = Math.min(TRIALS, 2);

const WRITERS = 20;

/** What a busy machine may add. */
const STALL_MS = 5000;

/** Kills the leader under writers on a follower, and answers how many writes ended with an unknown outcome. */
async function loseLeader(cluster: EtcdCluster, trial: number, retryableWrites: boolean): Promise<number> {
  const leader = await cluster.leader();
  const [follower = 0] = await cluster.followers();
  await using connection = await connect(cluster.member(follower).endpoint, {
    requestTimeoutMs: 20_000,
    sessionTtlSec: 30,
    retryableWrites,
  });
  const { kvi } = connection;
  await using reading = new Follower(kvi, { prefix: `${trial}/` });
  const writers = Array.from({ length: WRITERS }, (_, index) => new Writer(kvi, `${trial}/${index}`));
  await Promise.all(writers.map((writer) => writer.moreAcknowledged(3)));
  await cluster.member(leader).kill();
  await Promise.all(writers.map((writer) => writer.moreAcknowledged(1)));
  await Promise.all(writers.map((writer) => writer.stop()));
  await kvi.store(`${trial}/end`, '');
  await reading.reached(`${trial}/end`);

  for (const writer of writers) {
    const seen = reading.changes.filter(({ key }) => key === writer.key).map(({ value }) => Number(value));
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
    expect(writer.notApplied.filter((number) => seen.includes(number))).toEqual([]);
    expect(writer.acknowledged.filter((number) => !seen.includes(number))).toEqual([]);
  }
  await cluster.member(leader).restart();
  return writers.flatMap(({ outcomes }) => outcomes).filter((outcome) => outcome === 'unknown').length;
}

describe('the leader of three that is killed while writes wait on a follower', () => {
  it.each([
    ['retries, leaves none in doubt', true],
    ['does not retry, leaves none that is called "not applied" and was applied', false],
  ])(
    'loses no acknowledged write and, of a handle that %s',
    async (_, retryableWrites) => {
      let begun = 0;
      let unknown = 0;
      let starting: Promise<unknown> = Promise.resolve();
      const loseLeaders = async (): Promise<void> => {
        // One after the other: two that start at once may settle on the same free port.
        const started = starting.then(() => startCluster());
        starting = started;
        await using cluster = await started;
        while (begun < TRIALS) {
          const lost = await loseLeader(cluster, begun++, retryableWrites);
          unknown += lost;
        }
      };
      await Promise.all(Array.from({ length: CLUSTERS }, loseLeaders));

      expect(unknown === 0).toBe(retryableWrites);
    },
    60_000 + TRIALS * 15_000,
  );
});

describe('a member that loses its quorum', () => {
  it('makes a watch on it say so within 5 s and go on elsewhere', async () => {
    await using cluster = await startCluster({ peerProxies: true });
    const [lost = 0] = await cluster.followers();
    const others = [...cluster.members.keys()].filter((index) => index !== lost);
    const endpoints = [lost, ...others].map((index) => cluster.member(index).endpoint);
    await using connection = await connect(endpoints, { requestTimeoutMs: 8000 });
    const { kvi, logger } = connection;
    await using follower = new Follower(kvi, { prefix: 'k/' });
    await kvi.store('k/before', '');
    await follower.reached('k/before');
    const start = performance.now();
    await cluster.isolate(lost);
    const line = await logger.line('warn', /^The watch stream to .* ended: .*no leader/);
    const tookMs = performance.now() - start;
    await cluster.member(others[0]!).ctl('put', 'k/after', '');
    await follower.reached('k/after');

    expect(line).toContain(cluster.member(lost).endpoint);
    expect(tookMs).toBeLessThan(5000 + STALL_MS);
    expect(follower.changes.map(({ key }) => key)).toEqual(['k/before', 'k/after']);
    expect(await kvi.get('k/after')).toBe('');
  }, 60_000);

  it.each([true, false])(
    'makes calls go elsewhere, also a write that is retryable: %s',
    async (retryableWrites) => {
      await using cluster = await startCluster({ peerProxies: true });
      const [lost = 0, other = 0] = await cluster.followers();
      const endpoints = [lost, other].map((index) => cluster.member(index).endpoint);
      await using connection = await connect(endpoints, { requestTimeoutMs: 4000, retryableWrites });
      const { kvi } = connection;
      await cluster.isolate(lost);
      const failure = await kvi.store('a', '1').then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(failure instanceof OutcomeUnknownError).toBe(!retryableWrites);
      expect(await kvi.get('b')).toBeUndefined();
    },
    60_000,
  );

  it('does not keep a session alive by the answers of a leader that was cut off', async () => {
    await using cluster = await startCluster({ peerProxies: true });
    const old = await cluster.leader();
    await using connection = await connect(cluster.member(old).endpoint, { sessionTtlSec: 4 });
    const lock = await connection.kvi.lock('l');
    const start = performance.now();
    await cluster.isolate(old);
    await poll('the lock is lost', () => !lock.isHeld || undefined);

    expect(performance.now() - start).toBeLessThan(4000 + STALL_MS);
    const next = await cluster.leader();
    expect(next).not.toBe(old);
  }, 60_000);
});
