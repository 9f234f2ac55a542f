import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from '@jest/globals';
import type { Kvi, LockPlace } from 'nestjs-hmetcd';
import { connect } from '../etcd/support/connect.js';
import { SampleProcess } from '../sample/support/sample.process.js';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';
import { isOfAge } from '../support/recording-logger.js';

const MAIN = fileURLToPath(new URL('../../sample/dist/recipes/rolling-deployment.js', import.meta.url));
const PROGRAM = new URL('../../sample/recipes/rolling-deployment.ts', import.meta.url);
const PAGE = new URL('../../sample/recipes/rolling-deployment.md', import.meta.url);

/** The default of `sessionTtlSec`: what a replica has that ends without a word is taken for that long. */
const LEASE_MS = 10_000;

const running: SampleProcess[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((replica) => replica.kill()));
});

function startReplica(endpoint: string): SampleProcess {
  const replica = new SampleProcess([], { HMETCD_ENDPOINT: endpoint }, MAIN);
  running.push(replica);
  return replica;
}

const order = (url: string, customer: string): Promise<Response> =>
  fetch(`${url}/orders/${customer}`, { method: 'POST', headers: { connection: 'close' } });

function holder(kvi: Kvi, lock: string, pid: number): Promise<LockPlace> {
  return poll(`process ${pid} has the lock '${lock}'`, async () => {
    const info = await kvi.lockInfo(lock);
    return info.holder?.pid === pid ? info.holder : undefined;
  });
}

it('hands over what a replica has within its SIGTERM, and finishes what it has begun', async () => {
  await using etcd = await startEtcd();
  await using connection = await connect(etcd.endpoint);
  const { kvi } = connection;
  const old = startReplica(etcd.endpoint);
  const url = await old.url();
  await holder(kvi, 'settlement', old.pid!);
  const next = startReplica(etcd.endpoint);
  await next.url();
  await poll('the next one stands for election', async () => (await kvi.lockInfo('settlement')).queue[0]);
  expect(await kvi.getPrefix('replicas/')).toHaveLength(2);
  const orders = kvi.changes({ prefix: 'ordered/' });

  let isAnswered = false;
  const response = order(url, 'alice').finally(() => (isAnswered = true));
  await poll(
    'the order is under way',
    async () => isAnswered || (await kvi.lockInfo('order-of/alice')).holder,
  );
  old.signal('SIGTERM');
  const startedAt = performance.now();
  await holder(kvi, 'settlement', next.pid!);
  expect((await response).status).toBe(201);
  expect(await (await response).text()).toBe('ordered');
  expect(await old.exit).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(LEASE_MS);

  expect(await kvi.getPrefix('replicas/')).toHaveLength(1);
  expect(await kvi.lockInfo('order-of/alice')).toEqual({ queue: [] });
  expect(await etcd.ctl('lease', 'list')).toMatch(/found 1 leases/);
  // Ordered by the one, settled by the other.
  expect((await orders.next()).value).toMatchObject({ key: 'ordered/alice', value: expect.any(String) });
  expect((await orders.next()).value).toMatchObject({ key: 'ordered/alice', value: undefined });
  await orders.return!();
  const said = (old.lines.text + next.lines.text).split('\n').filter((line) => !isOfAge(line));
  expect(said.join('\n')).not.toMatch(/WARN|ERROR/);
});

it('has more time than its parts may take, one after the other', () => {
  const numberIn = (file: URL, pattern: RegExp): number =>
    Number(pattern.exec(readFileSync(file, 'utf8'))![1]!.replaceAll('_', ''));
  const graceSec = numberIn(PAGE, /terminationGracePeriodSeconds: (\d+)/);
  const preStopSec = numberIn(PAGE, /'sleep', '(\d+)'/);
  const shutdownSec = numberIn(PROGRAM, /shutdownTimeoutMs: ([\d_]+)/) / 1000;
  const lockWaitSec = numberIn(PROGRAM, /@DistLocked\((\d+)/);
  const [keepAliveSec, leaseEndSec] = [5, 6];
  const partsSec = preStopSec + 2 * shutdownSec + lockWaitSec + 1 + keepAliveSec + leaseEndSec;
  expect(graceSec).toBeGreaterThan(partsSec);
});
