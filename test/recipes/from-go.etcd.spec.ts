import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { connect } from '../etcd/support/connect.js';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';
import { Counter } from './go-in-nest.js';
import { nextNumber } from './go-program.js';
import { Fleet } from './support/fleet.js';

// The program has no logger of its own: what its connections say goes to the console.
beforeEach(() => {
  jest.spyOn(console, 'log').mockImplementation(() => {});
});
afterEach(() => {
  jest.restoreAllMocks();
});

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

it('gives each number once, to programs and to Nest applications', async () => {
  await using etcd = await startEtcd();
  const fleet = new Fleet(etcd.endpoint);
  const replicas = [
    await fleet.replica({ providers: [Counter] }),
    await fleet.replica({ providers: [Counter] }),
  ];
  const ofPrograms = numbers(5).map(() => nextNumber(etcd.endpoint));
  const ofReplicas = replicas.flatMap((app) => numbers(5).map(() => app.get(Counter).nextNumber()));
  const given = await Promise.all([...ofPrograms, ...ofReplicas]);
  expect(given.toSorted((a, b) => a - b)).toEqual(numbers(15));
});

// etcdctl locks by the same `concurrency.Mutex` as the Go package, and under any name.
it("waits in the queue of Go's lock, and Go in ours", async () => {
  await using etcd = await startEtcd();
  await using connection = await connect(etcd.endpoint);
  const { kvi } = connection;
  await kvi.distLock();
  const order: string[] = [];
  const go = etcd.ctl('lock', 'hbtd_dist_lock', 'true').then(() => order.push('go'));
  await poll('Go waits', async () => (await kvi.lockInfo()).queue[0]);
  const ours = nextNumber(etcd.endpoint).then(() => order.push('typescript'));
  await poll('both wait', async () => (await kvi.lockInfo()).queue[1]);
  expect(order).toEqual([]);
  await kvi.distUnlock();
  await Promise.all([go, ours]);
  expect(await kvi.get('counter')).toBe('1');
});
