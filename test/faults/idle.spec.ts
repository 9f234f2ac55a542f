import { expect, it, jest } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { PUT } from '../../lib/kvi/key-change.js';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { startProxy } from '../support/etcd/tcp-proxy.js';
import { connect } from '../etcd/support/connect.js';

/** Longer than four pings: a server takes offence at the third that comes too soon. */
const IDLE_MS = 25_000;

it('an idle handle keeps its connection, be it that it watches or not: no server takes its pings for too many', async () => {
  const told = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  await using etcd = await startEtcd();
  await using watchingLine = await startProxy(etcd.ports.client);
  await using idleLine = await startProxy(etcd.ports.client);
  await using watching = await connect(watchingLine.endpoint);
  await using idle = await connect(idleLine.endpoint);
  await watching.kvi.watchWithCB('a', PUT, () => undefined);
  const connections = [watchingLine.counters.connections, idleLine.counters.connections];
  await delay(IDLE_MS);
  await Promise.all([watching.kvi.get('a'), idle.kvi.get('a')]);

  expect([watchingLine.counters.connections, idleLine.counters.connections]).toEqual(connections);
  expect(told.mock.calls).toEqual([]);
  expect([...watching.logger.at('warn'), ...idle.logger.at('warn')]).toEqual([]);
  told.mockRestore();
}, 60_000);
