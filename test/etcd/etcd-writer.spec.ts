import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { KeyChangeOp } from '../../lib/kvi/key-change.js';
import { open } from '../../lib/kvi/open.js';
import {
  ClosedError,
  InvalidArgumentError,
  OutcomeUnknownError,
  PermissionDeniedError,
} from '../../lib/store/errors.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { startProxy } from '../support/etcd/tcp-proxy.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { callsSeenBy } from './support/calls-seen.js';
import { connect } from './support/connect.js';
import { Follower } from './support/follower.js';

const ROOT = { username: 'root', password: 'root-pass' };
const APP = { username: 'app', password: 'app-pass' };
/** May do everything below a/, and write no record. */
const PLAIN = { username: 'plain', password: 'plain-pass' };

const statusOf = (outcomes: readonly PromiseSettledResult<unknown>[]): string[] =>
  outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'applied' : outcome.reason.name));

describe('writes of one handle', () => {
  let etcd: EtcdServer;
  beforeAll(async () => {
    etcd = await startEtcd();
  }, 30_000);
  afterAll(async () => {
    await etcd.stop();
  });

  it('to one key are each seen by a watcher, in the order of their calls', async () => {
    await using connection = await connect(etcd.endpoint, { namespace: 'one/' });
    const { kvi } = connection;
    await using follower = new Follower(kvi, { prefix: 'k' });
    await Promise.all(Array.from({ length: 1000 }, (_, at) => kvi.store('k', `${at}`)));
    await kvi.store('k-end', '');
    await follower.reached('k-end');
    const seen = follower.changes.slice(0, -1);
    expect(seen.map(({ value }) => value)).toEqual(Array.from({ length: 1000 }, (_, at) => `${at}`));
    const revisions = seen.map(({ revision }) => revision);
    expect(new Set(revisions).size).toBe(1000);
  }, 30_000);

  it('to different keys travel together', async () => {
    await using connection = await connect(etcd.endpoint, { namespace: 'many/' });
    const { kvi } = connection;
    await kvi.store('first', '');
    const before = await callsSeenBy(etcd, 'Txn');
    const { revision } = await kvi.snapshot('first');
    await Promise.all(Array.from({ length: 500 }, (_, at) => kvi.store(`k/${at}`, `${at}`)));
    expect((await callsSeenBy(etcd, 'Txn')) - before).toBeLessThan(20);
    expect((await kvi.snapshot('first')).revision - revision).toBeLessThan(20);
    expect(await kvi.getPrefix('k/')).toHaveLength(500);
  });

  it('keep their order where several keys are touched in turns', async () => {
    await using connection = await connect(etcd.endpoint, { namespace: 'turns/' });
    const { kvi } = connection;
    await kvi.store('a', '0');
    const hops = Array.from({ length: 60 }, (_, at) => {
      const [from, to] = at % 2 === 0 ? (['a', 'b'] as const) : (['b', 'a'] as const);
      return kvi.transaction(from, '=', `${at}`, to, `${at + 1}`);
    });
    expect(await Promise.all(hops)).toEqual(hops.map(() => true));
  });

  it('leave two records under the lease, which are gone after close', async () => {
    const kvi = await open(etcd.endpoint, { namespace: 'records/', logger: new RecordingLogger() });
    await using other = await connect(etcd.endpoint);
    const keys = async (): Promise<string[]> => {
      const out = await etcd.ctl('get', '--prefix', '--keys-only', 'records/');
      return out.split('\n').filter((line) => line.includes('hmetcd/'));
    };
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 300 }, (_, at) => kvi.store(`k/${at}`, '')));
    }
    const slots = await keys();
    expect(slots).toEqual([
      expect.stringMatching(/^records\/\0hmetcd\/[0-9a-f]+\/s0$/),
      expect.stringMatching(/^records\/\0hmetcd\/[0-9a-f]+\/s1$/),
    ]);
    expect(await kvi.getPrefix('')).toHaveLength(300);
    await kvi.close();
    expect(await keys()).toEqual([]);
    expect(await other.kvi.get('records/k/0')).toBe('');
  });

  it('that are under way when it is closed are done and told; later ones are refused at once', async () => {
    const kvi = await open(etcd.endpoint, { namespace: 'closing/', logger: new RecordingLogger() });
    const writes = Array.from({ length: 400 }, (_, at) => kvi.store(`k/${at % 50}`, `${at}`));
    const closed = kvi.close();
    expect(statusOf(await Promise.allSettled(writes))).toEqual(writes.map(() => 'applied'));
    await closed;
    await expect(kvi.store('k/late', '')).rejects.toBeInstanceOf(ClosedError);
    await using other = await connect(etcd.endpoint, { namespace: 'closing/' });
    const values = (await other.kvi.getPrefix('k/')).map(({ value }) => Number(value));
    expect(values.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, at) => 350 + at));
  });

  it('that is told of a lost answer where nothing may be recorded does not know', async () => {
    await using proxy = await startProxy(etcd.ports.client);
    await using connection = await connect(proxy.endpoint, {
      namespace: 'plain/',
      retryableWrites: false,
      requestTimeoutMs: 2000,
    });
    const { kvi } = connection;
    await kvi.store('k', '1');
    void proxy.dropNextResponse();
    await expect(kvi.store('k', '2')).rejects.toBeInstanceOf(OutcomeUnknownError);
    await kvi.store('k', '3');
    expect(await kvi.get('k')).toBe('3');
  });
});

describe("a server's limits", () => {
  it('of operations are learnt, and everything is applied', async () => {
    await using etcd = await startEtcd({ args: ['--max-txn-ops=16'] });
    await using connection = await connect(etcd.endpoint);
    const { kvi } = connection;
    const keys = Array.from({ length: 200 }, (_, at) => `k/${at}`);
    await Promise.all(keys.map((key) => kvi.store(key, 'a')));
    expect(await Promise.all(keys.map((key) => kvi.tas(key, 'a', 'b')))).toEqual(keys.map(() => true));
    const before = await callsSeenBy(etcd, 'Txn');
    expect(await Promise.all(keys.map((key) => kvi.tas(key, 'a', 'c')))).toEqual(keys.map(() => false));
    expect((await callsSeenBy(etcd, 'Txn')) - before).toBeLessThan(80);
    expect(await Promise.all(keys.map((key) => kvi.get(key)))).toEqual(keys.map(() => 'b'));
  });

  it('of bytes are learnt, and what is above them by itself is refused by itself', async () => {
    await using etcd = await startEtcd({ args: ['--max-request-bytes=32768'] });
    await using connection = await connect(etcd.endpoint);
    const { kvi } = connection;
    const values = Array.from({ length: 100 }, (_, at) => 'x'.repeat(at === 50 ? 40_000 : 2000));
    const outcomes = await Promise.allSettled(values.map((value, at) => kvi.store(`k/${at}`, value)));
    expect(statusOf(outcomes)).toEqual(
      values.map((_, at) => (at === 50 ? InvalidArgumentError.name : 'applied')),
    );
    expect(await kvi.getPrefix('k/')).toHaveLength(99);
    const before = await callsSeenBy(etcd, 'Txn');
    await Promise.all(values.map((_, at) => kvi.store(`k/${at}`, 'y'.repeat(2000))));
    expect((await callsSeenBy(etcd, 'Txn')) - before).toBeLessThan(50);
  });
});

describe('rights', () => {
  let etcd: EtcdServer;
  beforeAll(async () => {
    etcd = await startEtcd();
    await etcd.ctl('user', 'add', `${ROOT.username}:${ROOT.password}`);
    await etcd.ctl('user', 'grant-role', 'root', 'root');
    for (const { username, password } of [APP, PLAIN]) {
      await etcd.ctl('role', 'add', username);
      await etcd.ctl('role', 'grant-permission', username, '--prefix=true', 'readwrite', 'n/a/');
      await etcd.ctl('user', 'add', `${username}:${password}`);
      await etcd.ctl('user', 'grant-role', username, username);
    }
    // A namespace makes the reserved prefix a word that can be given to a command.
    await etcd.ctl('role', 'grant-permission', 'app', 'readwrite', 'n/', 'n/\u0001');
    await etcd.ctl('auth', 'enable');
  }, 30_000);
  afterAll(async () => {
    await etcd.stop();
  });

  it.each([
    ['recorded', { auth: APP }],
    ['not recorded', { auth: PLAIN, retryableWrites: false }],
  ])(
    'that deny one key of a batch deny it alone, where writes are %s',
    async (name, options) => {
      await using connection = await connect(etcd.endpoint, { ...options, namespace: 'n/' });
      const { kvi } = connection;
      const at = `a/${name}`;
      await using follower = new Follower(kvi, `${at}/twice`);
      await kvi.store(`${at}/first`, '');
      const outcomes = await Promise.allSettled([
        ...Array.from({ length: 30 }, (_, key) => kvi.store(`${at}/k/${key}`, `${key}`)),
        kvi.store(`${at}/twice`, '1'),
        kvi.store('denied', ''),
        kvi.store(`${at}/large`, 'x'.repeat(2_000_000)),
        kvi.store(`${at}/twice`, '2'),
        ...Array.from({ length: 30 }, (_, key) => kvi.store(`${at}/l/${key}`, `${key}`)),
      ]);
      const others = Array.from({ length: 30 }, () => 'applied');
      expect(statusOf(outcomes)).toEqual([
        ...others,
        'applied',
        PermissionDeniedError.name,
        InvalidArgumentError.name,
        'applied',
        ...others,
      ]);
      expect(await kvi.get(`${at}/k/29`)).toBe('29');
      expect(await kvi.get(`${at}/l/29`)).toBe('29');
      expect(await kvi.get(`${at}/large`)).toBeUndefined();
      await expect(kvi.get('denied')).rejects.toBeInstanceOf(PermissionDeniedError);
      while (follower.changes.length < 2) await delay(20);
      expect(follower.changes.map(({ op, value }) => [op, value])).toEqual([
        [KeyChangeOp.PUT, '1'],
        [KeyChangeOp.PUT, '2'],
      ]);
    },
    30_000,
  );

  it.each([
    ['recorded', { auth: APP }],
    ['not recorded', { auth: PLAIN, retryableWrites: false }],
  ])('deny what a condition stands before, as well, where writes are %s', async (name, options) => {
    await using connection = await connect(etcd.endpoint, { ...options, namespace: 'n/' });
    const { kvi } = connection;
    const at = `a/conditions/${name}`;
    const rejected = { status: 'rejected', reason: expect.any(PermissionDeniedError) };
    await etcd.ctl('--user', `${ROOT.username}:${ROOT.password}`, 'put', 'n/hidden', 'old');
    await kvi.store(at, 'old');
    const outcomes = await Promise.allSettled([
      kvi.tas(at, 'old', 'new'),
      kvi.tas('hidden', 'old', 'new'),
      kvi.createIfAbsent(`hidden/${name}`, ''),
      kvi.transaction(`${at}/other`, '=', '', `${at}/then`, '', `hidden/${name}`, ''),
      kvi.transaction('hidden', '=', 'old', `${at}/told`, ''),
      kvi.createIfAbsent(`${at}/created`, ''),
    ]);
    expect(outcomes).toMatchObject([
      { value: true },
      rejected,
      rejected,
      rejected,
      rejected,
      { value: true },
    ]);
    const lines = await etcd.ctl(
      '--user',
      `${ROOT.username}:${ROOT.password}`,
      'get',
      '--prefix',
      'n/hidden',
    );
    expect(lines).toBe('n/hidden\nold\n');
    expect(await kvi.get(`${at}/told`)).toBeUndefined();
  });

  it('that forbid records are an error at start, which says so', async () => {
    const opening = open(etcd.endpoint, { auth: PLAIN, namespace: 'n/' });
    await expect(opening).rejects.toBeInstanceOf(PermissionDeniedError);
    await expect(opening).rejects.toThrow(/\\0hmetcd\/.*retryableWrites: false/);
  });
});

describe('a server that is away', () => {
  it('lets no write wait for longer than its time, applies none that was told not to be, and is not flooded', async () => {
    await using etcd = await startEtcd();
    await using proxy = await startProxy(etcd.ports.client);
    const requestTimeoutMs = 1500;
    await using connection = await connect(proxy.endpoint, { requestTimeoutMs });
    const { kvi } = connection;
    proxy.refuse();
    const [startedAt, writes] = [performance.now(), [] as Promise<{ error: Error; afterMs: number }>[]];
    for (let at = 0; performance.now() < startedAt + 2500; at++) {
      const calledAt = performance.now();
      writes.push(
        kvi.store(`k/${at % 40}`, `${at}`).then(
          () => Promise.reject(new Error('it was applied')),
          (error: Error) => ({ error, afterMs: performance.now() - calledAt }),
        ),
      );
      await delay(5);
    }
    const failures = await Promise.all(writes);
    for (const { error } of failures) expect(error.message).toMatch(/Nothing was applied/);
    expect(Math.max(...failures.map(({ afterMs }) => afterMs))).toBeLessThan(requestTimeoutMs + 1000);
    const before = await callsSeenBy(etcd, 'Txn');
    await proxy.pass();
    await delay(600);
    expect((await callsSeenBy(etcd, 'Txn')) - before).toBeLessThan(5);
    expect(await kvi.getPrefix('k/')).toEqual([]);
    await kvi.store('k/0', 'back');
    expect(await kvi.get('k/0')).toBe('back');
  }, 30_000);
});
