import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PermissionDeniedError } from '../../lib/store/errors.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { callsSeenBy } from './support/calls-seen.js';
import { connect } from './support/connect.js';

const COUNT = 500;
const numbers = Array.from({ length: COUNT }, (_, at) => at);

describe('reads of one handle', () => {
  let etcd: EtcdServer;
  beforeAll(async () => {
    etcd = await startEtcd();
  }, 30_000);
  afterAll(async () => {
    await etcd.stop();
  });

  it('that are asked for at once travel together, each with its own answer', async () => {
    await using connection = await connect(etcd.endpoint, { namespace: 'many/' });
    const { kvi } = connection;
    await Promise.all(numbers.filter((at) => at % 3 > 0).map((at) => kvi.store(`k/${at}`, `${at}`)));
    const before = await callsSeenBy(etcd, 'Txn', 'Range');
    const values = await Promise.all(numbers.map((at) => kvi.get(`k/${at}`)));
    expect((await callsSeenBy(etcd, 'Txn', 'Range')) - before).toBeLessThan(20);
    expect(values).toEqual(numbers.map((at) => (at % 3 > 0 ? `${at}` : undefined)));
  });

  it('see what was stored before them', async () => {
    await using connection = await connect(etcd.endpoint, { namespace: 'order/' });
    const { kvi } = connection;
    const seen = numbers.slice(0, 100).map(async (at) => {
      await kvi.store(`k/${at % 10}/${at}`, `${at}`);
      return kvi.get(`k/${at % 10}/${at}`);
    });
    expect(await Promise.all(seen)).toEqual(numbers.slice(0, 100).map(String));
  });

  it('of large values all come', async () => {
    await using connection = await connect(etcd.endpoint, { namespace: 'large/', requestTimeoutMs: 15_000 });
    const { kvi } = connection;
    const keys = numbers.slice(0, 64).map((at) => `k/${at}`);
    for (const key of keys) await kvi.store(key, key.padEnd(1_000_000, 'x'));
    const values = await Promise.all(keys.map((key) => kvi.get(key)));
    expect(values.map((value) => value?.replace(/x+$/, ''))).toEqual(keys);
  }, 60_000);
});

it('A read that is denied is denied alone', async () => {
  await using etcd = await startEtcd();
  await etcd.ctl('user', 'add', 'root:pass');
  await etcd.ctl('user', 'grant-role', 'root', 'root');
  await etcd.ctl('role', 'add', 'app');
  await etcd.ctl('role', 'grant-permission', 'app', '--prefix=true', 'readwrite', 'a/');
  await etcd.ctl('user', 'add', 'app:pass');
  await etcd.ctl('user', 'grant-role', 'app', 'app');
  await etcd.ctl('auth', 'enable');
  await using connection = await connect(etcd.endpoint, {
    auth: { username: 'app', password: 'pass' },
    retryableWrites: false,
  });
  const { kvi } = connection;
  await kvi.store('a/k', 'here');
  const outcomes = await Promise.allSettled(numbers.map((at) => kvi.get(at === 77 ? 'hidden' : 'a/k')));
  const rejected = outcomes.flatMap((outcome, at) => (outcome.status === 'rejected' ? [at] : []));
  expect(rejected).toEqual([77]);
  expect(outcomes[77]).toMatchObject({ reason: expect.any(PermissionDeniedError) });
}, 30_000);
