import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { Kvi, KviHealth } from '../../lib/kvi/kvi.js';
import { raiseNoSpace } from '../support/etcd/alarm.js';
import { type EtcdCluster, startCluster } from '../support/etcd/etcd-cluster.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { AS_ROOT, enableAuth, ROOT } from '../support/etcd/expiring-tokens.js';
import { poll } from '../support/etcd/poll.js';
import { type Connection, connect } from './support/connect.js';

const TIMEOUT_MS = 1000;
/** What a busy machine may add: far less than a call has. */
const STALL_MS = 2000;

const APP = { username: 'app', password: 'app-secret-7' };
const STRANGER = { username: 'stranger', password: 'stranger-secret-7' };

interface Checked {
  readonly health: KviHealth;
  readonly tookMs: number;
}

async function check(kvi: Kvi): Promise<Checked> {
  const start = performance.now();
  const health = await kvi.health({ timeoutMs: TIMEOUT_MS });
  return { health, tookMs: performance.now() - start };
}

function becomes(kvi: Kvi, status: KviHealth['status']): Promise<KviHealth> {
  return poll(`the health is ${status}`, async () => {
    const health = await kvi.health();
    return health.status === status ? health : undefined;
  });
}

describe('the health of a cluster', () => {
  let cluster: EtcdCluster;
  let connection: Connection;
  beforeAll(async () => {
    cluster = await startCluster({ clientProxies: true });
    connection = await connect(cluster.endpoints);
  });
  afterAll(async () => {
    await connection[Symbol.asyncDispose]();
    await cluster.stop();
  });

  it('that has all its members is told by each', async () => {
    const health = await poll('all have answered in time', async () => {
      const { members, ...rest } = (await check(connection.kvi)).health;
      return members.every(({ read }) => read === 'answered') ? { members, ...rest } : undefined;
    });
    expect(health.status).toBe('healthy');
    expect(health.members.map(({ endpoint }) => endpoint)).toEqual(cluster.endpoints);
    for (const member of health.members) expect(member).toMatchObject({ hasLeader: true, read: 'answered' });
  });

  it('that lost a minority is good, and told sooner than in all the time', async () => {
    const [follower] = await cluster.followers();
    cluster.member(follower!).pause();
    try {
      const { health, tookMs } = await check(connection.kvi);
      expect(health).toMatchObject({ status: 'healthy', reason: undefined });
      expect(health.members[follower!]).toMatchObject({ isReachable: false, read: 'unanswered' });
      expect(tookMs).toBeLessThan(TIMEOUT_MS + STALL_MS);
    } finally {
      cluster.member(follower!).resume();
    }
    await cluster.whenHealthy();
  });

  it('that lost its quorum is told in time, by who is left of it', async () => {
    const [one, other] = await cluster.followers();
    const leader = [0, 1, 2].find((index) => index !== one && index !== other)!;
    for (const index of [one!, other!]) cluster.member(index).pause();
    try {
      const { health, tookMs } = await check(connection.kvi);
      expect(health).toMatchObject({ status: 'no-quorum', reason: expect.stringMatching(/1 of 3 servers/) });
      expect(health.members[leader]).toMatchObject({ isReachable: true, read: 'unanswered' });
      expect(tookMs).toBeLessThan(TIMEOUT_MS + STALL_MS);
      const leaderless = await poll('the leader steps down', async () => {
        const { members, reason } = await connection.kvi.health();
        return members[leader]!.hasLeader === false ? reason : undefined;
      });
      expect(leaderless).toMatch(/knows no leader/);
    } finally {
      for (const index of [one!, other!]) cluster.member(index).resume();
    }
    await cluster.whenHealthy();
    await becomes(connection.kvi, 'healthy');
  });

  it('that nobody can reach is told at once, and whose links are silent in time', async () => {
    for (const proxy of cluster.clientProxies) proxy.refuse();
    const { health } = await check(connection.kvi);
    expect(health).toMatchObject({
      status: 'unreachable',
      reason: expect.stringMatching(/^No server of the store answered within 1000 ms: http:\/\/127/),
    });
    await Promise.all(cluster.clientProxies.map((proxy) => proxy.pass()));
    await becomes(connection.kvi, 'healthy');

    await Promise.all(cluster.clientProxies.map((proxy) => proxy.swallow()));
    const { health: silent, tookMs } = await check(connection.kvi);
    expect(silent.status).toBe('unreachable');
    expect(tookMs).toBeLessThan(TIMEOUT_MS + STALL_MS);
    await Promise.all(cluster.clientProxies.map((proxy) => proxy.pass()));
    await becomes(connection.kvi, 'healthy');
  });

  it('tells for how long watches have been without a stream, and no more when they have one', async () => {
    await using view = await connection.kvi.observe({ prefix: 'k/' });
    // Quiet before, which is not counted.
    await delay(1500);
    const cutAt = performance.now();
    for (const proxy of cluster.clientProxies) proxy.refuse();
    const { watchesBehindMs } = await poll('the cut is told', async () => {
      const health = await connection.kvi.health({ watchesBehindMs: 0 });
      return health.watchesBehindMs > 0 ? health : undefined;
    });
    // It is told in whole milliseconds.
    expect(watchesBehindMs).toBeLessThan(performance.now() - cutAt + 1);
    const { staleSince } = view;
    expect(Date.now() - staleSince!.getTime()).toBeGreaterThan(1500);
    await Promise.all(cluster.clientProxies.map((proxy) => proxy.pass()));
    await poll('the watch is back', async () => {
      const health = await connection.kvi.health({ watchesBehindMs: 0 });
      return health.status === 'healthy' && health.watchesBehindMs === 0 ? true : undefined;
    });
    await view.sync();
  });

  it('tells of an alarm, and no more when it is disarmed', async () => {
    await raiseNoSpace(cluster.member(0).endpoint);
    const health = await becomes(connection.kvi, 'alarm');
    expect(health.reason).toMatch(/NOSPACE/);
    expect(health.members.map(({ alarms }) => alarms)).toContainEqual(['NOSPACE']);
    await cluster.member(0).ctl('alarm', 'disarm');
    await becomes(connection.kvi, 'healthy');
  });
});

describe('the health of an etcd that asks for a user', () => {
  let etcd: EtcdServer;
  beforeAll(async () => {
    etcd = await startEtcd({ args: ['--bcrypt-cost=4'] });
    for (const { username, password } of [APP, STRANGER]) {
      await etcd.ctl('user', 'add', `${username}:${password}`);
    }
    await etcd.ctl('role', 'add', 'app');
    await etcd.ctl('role', 'grant-permission', 'app', 'readwrite', '--prefix', 'app/');
    await etcd.ctl('user', 'grant-role', 'app', 'app');
    await enableAuth(etcd);
  });
  afterAll(() => etcd.stop());

  it.each([
    ['root', { auth: ROOT }],
    ['a user with rights in a namespace', { auth: APP, namespace: 'app/' }],
    ['a user who may read nothing', { auth: STRANGER, retryableWrites: false }],
  ])('is told to %s, alarms included', async (_who, options) => {
    await using connection = await connect(etcd.endpoint, options);
    const well = { isReachable: true, hasLeader: true, read: 'answered', alarms: [] };
    expect(await connection.kvi.health()).toMatchObject({ status: 'healthy', members: [well] });
    await raiseNoSpace(etcd.endpoint, ROOT);
    const health = await becomes(connection.kvi, 'alarm');
    expect(health.members).toMatchObject([{ read: 'answered', alarms: ['NOSPACE'] }]);
    await etcd.ctl('alarm', 'disarm', ...AS_ROOT);
    await becomes(connection.kvi, 'healthy');
  });

  it('says that a user is refused who was deleted, and nothing of the password', async () => {
    await using connection = await connect(etcd.endpoint, { auth: APP, namespace: 'app/' });
    await etcd.ctl('user', 'delete', APP.username, ...AS_ROOT);
    const health = await becomes(connection.kvi, 'refused');
    expect(health.members).toMatchObject([{ isReachable: true, read: 'refused' }]);
    // Servers that tell their status to users alone leave it open.
    expect(health.members[0]!.hasLeader).not.toBe(false);
    expect(JSON.stringify(health)).not.toContain(APP.password);
  });
});
