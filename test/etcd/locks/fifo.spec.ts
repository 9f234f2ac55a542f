import { describe, expect, it } from '@jest/globals';
import { type EtcdServer, startEtcd } from '../../support/etcd/etcd-server.js';
import { poll } from '../../support/etcd/poll.js';
import { connect } from '../support/connect.js';
import { Queuer, type Turn } from './support/queuer.js';

const PROCESSES = 5;
const ALL = PROCESSES * 40;

/** In each process, some give up while others are served. */
const PLAN = { quitAfter: 10, quitters: 8 };

const READS =
  'grpc_server_handled_total{grpc_code="OK",grpc_method="Range",grpc_service="etcdserverpb.KV",grpc_type="unary"}';

/** As in the processes. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

async function reads(etcd: EtcdServer): Promise<number> {
  return (await etcd.metrics()).get(READS) ?? 0;
}

async function untilKeys(etcd: EtcdServer, count: number): Promise<void> {
  await poll(`${count} keys`, async () => {
    return (await etcd.metrics()).sum('etcd_debugging_mvcc_keys_total') === count || undefined;
  });
}

describe('200 waiters of five processes, some of whom give up', () => {
  it('get the lock one at a time, in order of their keys, at most one looking for each key that goes, and leave none', async () => {
    await using etcd = await startEtcd();
    // No keep-alive, which reads too, within the test.
    await using holder = await connect(etcd.endpoint, { sessionTtlSec: 600 });
    const first = await holder.kvi.lock('jobs');
    const queuers = Array.from({ length: PROCESSES }, () => new Queuer());
    await Promise.all(queuers.map((queuer) => queuer.open(etcd.endpoint)));
    const readsBefore = await reads(etcd);
    for (let waiting = PROCESSES; waiting <= ALL; waiting += PROCESSES) {
      await Promise.all(queuers.map((queuer) => queuer.join('jobs', PLAN)));
      await poll('each has seen whom it waits for', async () => {
        return (await reads(etcd)) - readsBefore >= waiting || undefined;
      });
    }
    const held: Turn = { token: first.fencingToken, grantedAt: 0, releasedAt: now() };
    await first.release();
    const results = await Promise.all(queuers.map((queuer) => queuer.results()));
    await untilKeys(etcd, 0);
    const wakings = (await reads(etcd)) - readsBefore - ALL;

    const turns = [held, ...results.flatMap(({ grants }) => grants)].sort(
      (a, b) => a.grantedAt - b.grantedAt,
    );
    const quits = results.flatMap(({ failures }) => failures);
    const tokens = turns.map(({ token }) => token);
    expect(turns.length + quits.length).toBe(1 + ALL);
    expect(new Set(quits)).toEqual(new Set(['AbortError']));
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
    expect(turns.slice(1).filter(({ grantedAt }, index) => grantedAt < turns[index]!.releasedAt)).toEqual([]);
    // The first had it without a look, the second was the next from the beginning; the last key that goes wakes nobody.
    expect(wakings).toBeGreaterThanOrEqual(turns.length - 2);
    expect(wakings).toBeLessThanOrEqual(turns.length - 1 + quits.length);
  });
});
