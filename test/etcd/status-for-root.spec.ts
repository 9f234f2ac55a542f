import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { raiseNoSpace } from '../support/etcd/alarm.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { AS_ROOT, enableAuth, ROOT } from '../support/etcd/expiring-tokens.js';
import {
  type Fate,
  type GrpcRequestProxy,
  startGrpcRequestProxy,
} from '../support/etcd/grpc-request-proxy.js';
import { etcdBinary, OLD_SUITE } from '../support/etcd/etcd-binary.js';
import { isStatus, statusForUsers } from '../support/etcd/status-for-users.js';
import { poll } from '../support/etcd/poll.js';
import { type Connection, connect } from './support/connect.js';

const APP = { username: 'app', password: 'app-secret-7' };
const SESSION_TTL_SEC = 5;

const PASSED: Fate = { kind: 'passed' };
const LOST: Fate = { kind: 'request lost', isSilent: true };
const FOR_ROOT: Fate = { kind: 'refused', code: 7, text: 'etcdserver: permission denied' };

/** As etcd 3.5.28 to 3.5.30 and 3.6 before 3.6.12 do (https://github.com/etcd-io/etcd/issues/21663). */
describe('an etcd that tells its status to root alone, to a user with rights in a namespace', () => {
  let etcd: EtcdServer;
  let proxy: GrpcRequestProxy;
  /** Of everything but the status. */
  let others: Fate = PASSED;
  beforeAll(async () => {
    etcd = await startEtcd({ args: ['--bcrypt-cost=4'] });
    await etcd.ctl('user', 'add', `${APP.username}:${APP.password}`);
    await etcd.ctl('role', 'add', 'app');
    await etcd.ctl('role', 'grant-permission', 'app', 'readwrite', '--prefix', 'app/');
    await etcd.ctl('user', 'grant-role', 'app', 'app');
    await enableAuth(etcd);
    proxy = await startGrpcRequestProxy(etcd.ports.client, (method, hasToken) => {
      if (!isStatus(method)) return others;
      return statusForUsers(method, hasToken) ?? FOR_ROOT;
    });
  });
  afterAll(async () => {
    await proxy.stop();
    await etcd.stop();
  });

  const connectAsApp = (): Promise<Connection> =>
    connect(proxy.endpoint, { auth: APP, namespace: 'app/', sessionTtlSec: SESSION_TTL_SEC });

  it('renews leases: a lock is held for longer than one lasts', async () => {
    await using connection = await connectAsApp();
    const lock = await connection.kvi.lock('jobs');
    await delay(SESSION_TTL_SEC * 1500);
    lock.assertHeld();
    expect(connection.logger.at('error')).toEqual([]);
    await lock.release();
  });

  it('goes on with watches after a cut', async () => {
    await using connection = await connectAsApp();
    await using view = await connection.kvi.observe({ prefix: 'k/' });
    await etcd.ctl('put', 'app/k/1', 'before', ...AS_ROOT);
    await poll('the change is seen', () => view.get('k/1'));
    proxy.cut();
    await etcd.ctl('put', 'app/k/1', 'after', ...AS_ROOT);
    await view.sync();
    expect([...view]).toEqual([['k/1', 'after']]);
  });

  it('is healthy, and not so while an alarm is raised', async () => {
    await using connection = await connectAsApp();
    const healthy = await connection.kvi.health();
    expect(healthy).toMatchObject({
      status: 'healthy',
      members: [{ isReachable: true, hasLeader: true, read: 'answered', alarms: [] }],
    });
    await raiseNoSpace(etcd.endpoint, ROOT);
    const { reason } = await poll('the alarm is told', async () => {
      const health = await connection.kvi.health();
      return health.status === 'alarm' ? health : undefined;
    });
    expect(reason).toMatch(/NOSPACE/);
    await etcd.ctl('alarm', 'disarm', ...AS_ROOT);
    await poll('it is over', async () => (await connection.kvi.health()).status === 'healthy' || undefined);
  });

  it('can be reached, though it answers no read', async () => {
    await using connection = await connectAsApp();
    others = LOST;
    const health = await connection.kvi.health();
    others = PASSED;
    expect(health).toMatchObject({
      status: 'no-quorum',
      members: [{ isReachable: true, read: 'unanswered' }],
    });
  });
});

/** As etcd from 3.5.31 and 3.6.12 on; an old one, because it is warned of by its version. */
it('of an etcd that tells its status to users alone, the version is learned as the user', async () => {
  await using etcd = await startEtcd({
    binary: await etcdBinary(OLD_SUITE),
    args: ['--bcrypt-cost=4'],
  });
  await enableAuth(etcd);
  await using proxy = await startGrpcRequestProxy(
    etcd.ports.client,
    (method, hasToken) => statusForUsers(method, hasToken) ?? PASSED,
  );
  await using connection = await connect(proxy.endpoint, { auth: ROOT });
  expect(connection.logger.at('warn')).toEqual([expect.stringMatching(/^etcd 3\.4\..* is older than /)]);
});
