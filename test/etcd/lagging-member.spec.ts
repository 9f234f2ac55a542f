import { expect, it } from '@jest/globals';
import { startCluster } from '../support/etcd/etcd-cluster.js';
import { enableAuth, ROOT } from '../support/etcd/expiring-tokens.js';
import { startGrpcRequestProxy } from '../support/etcd/grpc-request-proxy.js';
import { statusForUsers } from '../support/etcd/status-for-users.js';
import { connect } from './support/connect.js';

/** Its status tells a revision of before, and etcd from 3.5.28 on is asked for it as a user: in our own calls. */
it('a member that is cut off from the others is not taken for another store by a health check', async () => {
  await using cluster = await startCluster({ peerProxies: true, args: ['--bcrypt-cost=4'] });
  await enableAuth(cluster.member(0));
  const proxies = await Promise.all(
    cluster.members.map(({ ports }) =>
      startGrpcRequestProxy(
        ports.client,
        (method, hasToken) => statusForUsers(method, hasToken) ?? { kind: 'passed' },
      ),
    ),
  );
  const endpoints = proxies.map(({ endpoint }) => endpoint);
  await using connection = await connect(endpoints, { auth: ROOT });
  const { kvi } = connection;
  const lock = await kvi.lock('jobs');
  await using view = await kvi.observe('k');

  // The streams are at the first.
  const follower = (await cluster.followers()).find((index) => index > 0);
  await cluster.isolate(follower!);
  await kvi.store('k', 'written without it');
  const health = await kvi.health();
  expect(health.members[follower!]).toMatchObject({ isReachable: true, read: 'unanswered' });
  await kvi.store('k', 'and once more');
  await view.sync();
  expect(view.get('k')).toBe('and once more');
  lock.assertHeld();
  expect(connection.logger.at('warn').filter((line) => /not the one it was/.test(line))).toEqual([]);
});
