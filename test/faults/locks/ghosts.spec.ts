import { describe, expect, it } from '@jest/globals';
import { UnavailableError } from '../../../lib/store/errors.js';
import { startCluster } from '../../support/etcd/etcd-cluster.js';
import type { EtcdServer } from '../../support/etcd/etcd-server.js';
import { poll } from '../../support/etcd/poll.js';
import { startProxy, type TcpProxy } from '../../support/etcd/tcp-proxy.js';
import { connect } from '../../etcd/support/connect.js';
import { report } from '../../etcd/locks/support/figures.js';
import { TRIALS } from '../../etcd/locks/support/trials.js';

/** Each lock call of one stop is a trial. */
const LOCKS = 10;
const STOPS = Math.ceil(TRIALS / LOCKS);

/** No lock call is shorter on the wire. */
const REQUEST_BYTES = 200;

const TXNS_DONE =
  'grpc_server_handled_total{grpc_code="OK",grpc_method="Txn",grpc_service="etcdserverpb.KV",grpc_type="unary"}';

async function txnsDone(member: EtcdServer): Promise<number> {
  return (await member.metrics()).get(TXNS_DONE) ?? 0;
}

interface Stage {
  readonly stalled: EtcdServer;
  /** In front of the stalled member, for the clients. */
  readonly line: TcpProxy;
  readonly endpoints: readonly string[];
  readonly healthy: string;
}

/**
 * Lock calls that a stopped member has received, that their client has given up and cleaned up behind through another
 * member, and that the member does when it goes on. The line breaks before gRPC tells the member that the calls are
 * cancelled: otherwise it is chance which of the two the member does first.
 */
async function callsThatArriveLate(
  { stalled, line }: Stage,
  call: () => Promise<unknown>[],
): Promise<unknown[]> {
  const doneBefore = await txnsDone(stalled);
  stalled.pause();
  const sentBefore = line.counters.bytesToServer;
  const calls = call().map((promise) => promise.catch((error: unknown) => error));
  await poll('the calls are with the member', () => {
    return line.counters.bytesToServer - sentBefore >= calls.length * REQUEST_BYTES || undefined;
  });
  await line.swallow();
  const errors = await Promise.all(calls);
  stalled.resume();
  await poll('the member has done them', async () => {
    return (await txnsDone(stalled)) - doneBefore >= calls.length || undefined;
  });
  return errors;
}

/** How long it takes another to get each of the locks. */
async function timesToLock(stage: Stage, names: readonly string[]): Promise<number[]> {
  await using caller = await connect(stage.endpoints, { requestTimeoutMs: 1000, sessionTtlSec: 60 });
  await using other = await connect(stage.healthy);
  // The leases are granted before anything goes wrong.
  for (const { kvi } of [caller, other]) await (await kvi.lock('warm-up')).release();
  const errors = await callsThatArriveLate(stage, () => names.map((name) => caller.kvi.lock(name)));
  expect(errors).toEqual(names.map(() => expect.any(UnavailableError)));
  const times: number[] = [];
  for (const name of names) {
    const start = performance.now();
    const lock = await other.kvi.lock(name, { timeoutSec: 1 });
    times.push(performance.now() - start);
    await lock.release();
  }
  await stage.line.pass();
  return times;
}

describe('lock calls that a stalled follower does after their client has given them up', () => {
  it('create no key that nobody holds: another handle gets each lock within a second', async () => {
    await using cluster = await startCluster();
    const [stalled = 0] = await cluster.followers();
    const others = cluster.members
      .filter((_member, index) => index !== stalled)
      .map((member) => member.endpoint);
    await using line = await startProxy(cluster.member(stalled).ports.client);
    const endpoints = [line.endpoint, ...others];
    const stage = { stalled: cluster.member(stalled), line, endpoints, healthy: others[0]! };
    const times: number[] = [];
    for (let stop = 0; stop < STOPS; stop++) {
      const names = Array.from({ length: LOCKS }, (_, index) => `lock-${stop}-${index}`);
      times.push(...(await timesToLock(stage, names)));
    }
    expect(times.filter((ms) => ms > 1000)).toEqual([]);
    report('A lock whose former call arrived late: taken by another after', times);
  }, 600_000);
});
