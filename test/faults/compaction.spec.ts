import { describe, expect, it } from '@jest/globals';
import { CompactedError } from '../../lib/store/errors.js';
import { etcdBinary, OLD_SUITE } from '../support/etcd/etcd-binary.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';
import { startProxy } from '../support/etcd/tcp-proxy.js';
import { openEtcdStore } from '../../lib/store/etcd/open-etcd-store.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { connect } from '../etcd/support/connect.js';
import { Follower } from '../etcd/support/follower.js';

const OPTIONS = { connectTimeoutMs: 5000, requestTimeoutMs: 5000 };

const WATCH_RESPONSES =
  'grpc_server_msg_sent_total{grpc_method="Watch",grpc_service="etcdserverpb.Watch",grpc_type="bidi_stream"}';

/** Compacts all but the last change, and answers its revision. */
async function compact(etcd: EtcdServer): Promise<number> {
  const answer = JSON.parse(await etcd.ctl('get', 'a', '--write-out=json')) as {
    header: { revision: number };
  };
  await etcd.ctl('compact', String(answer.header.revision));
  return answer.header.revision;
}

describe.each(['the etcd under test', OLD_SUITE])('on %s', (suite) => {
  const binary = etcdBinary(suite === OLD_SUITE ? suite : undefined);

  it('what is compacted while a subscriber is cut off is told with the revision to go on from', async () => {
    await using etcd = await startEtcd({ binary: await binary });
    await using proxy = await startProxy(etcd.ports.client);
    await using connection = await connect(proxy.endpoint);
    const { kvi } = connection;
    await using follower = new Follower(kvi, { prefix: 'k/' });
    await kvi.store('k/before', '');
    await follower.reached('k/before');
    proxy.refuse();
    for (const number of [1, 2, 3]) await etcd.ctl('put', `k/${number}`, '');
    const compacted = await compact(etcd);
    await proxy.pass();
    const error = await follower.failed();

    expect(error).toBeInstanceOf(CompactedError);
    const { revision, message } = error as CompactedError;
    expect(revision).toBe(compacted + 1);
    expect(message).toContain(String(compacted));
    await using next = new Follower(kvi, { prefix: 'k/' }, revision);
    await etcd.ctl('put', 'k/after', '');
    await next.reached('k/after');
    expect(next.changes.map(({ key }) => key)).toEqual(['k/after']);
  }, 60_000);

  it('a delete that nobody saw and that was compacted is not lost without a word', async () => {
    await using etcd = await startEtcd({ binary: await binary });
    await using proxy = await startProxy(etcd.ports.client);
    await using connection = await connect(proxy.endpoint);
    const { kvi } = connection;
    await using follower = new Follower(kvi, { prefix: 'k/' });
    await kvi.store('k/before', '');
    await follower.reached('k/before');
    proxy.refuse();
    await etcd.ctl('del', 'k/before');
    await compact(etcd);
    await proxy.pass();
    await etcd.ctl('put', 'k/after', '');

    const error = await follower.failed();
    expect(error).toBeInstanceOf(CompactedError);
  }, 60_000);

  it('a subscriber to whom the delete was told before the cut goes on', async () => {
    await using etcd = await startEtcd({ binary: await binary });
    await using proxy = await startProxy(etcd.ports.client);
    await using connection = await connect(proxy.endpoint);
    const { kvi } = connection;
    await using follower = new Follower(kvi, { prefix: 'k/' });
    await kvi.store('k/before', '');
    await kvi.delete('k/before');
    await kvi.store('k/last', '');
    await follower.reached('k/last');
    proxy.refuse();
    await compact(etcd);
    await proxy.pass();
    await etcd.ctl('put', 'k/after', '');
    await follower.reached('k/after');

    expect(follower.changes.map(({ op, key }) => [op, key])).toEqual([
      [1, 'k/before'],
      [2, 'k/before'],
      [1, 'k/last'],
      [1, 'k/after'],
    ]);
  }, 60_000);
});

describe('a read of a compacted revision', () => {
  it('is told with the revision to go on from, also while somebody watches the key', async () => {
    await using etcd = await startEtcd();
    const store = await openEtcdStore([etcd.endpoint], { ...OPTIONS, logger: new RecordingLogger() });
    try {
      const watch = await store.watch({ key: 'k', afterRevision: 1 });
      for (let number = 0; number < 5; number++) await etcd.ctl('put', 'k', String(number));
      const compacted = await compact(etcd);
      const reading = store.range({ key: 'k', revision: compacted - 2 });

      await expect(reading).rejects.toMatchObject({ name: 'CompactedError', revision: compacted + 1 });
      expect((await watch.next())!.events[0]!.kv.value).toBe('0');
    } finally {
      await store.close();
    }
  }, 30_000);
});

describe('progress', () => {
  it('takes an idle watch along, so that compaction while it is cut off does not pass it by', async () => {
    await using etcd = await startEtcd();
    await using proxy = await startProxy(etcd.ports.client);
    const store = await openEtcdStore([proxy.endpoint], { ...OPTIONS, logger: new RecordingLogger() });
    try {
      const idle = await store.watch({ key: 'idle', afterRevision: 1 });
      for (let number = 0; number < 10; number++) await etcd.ctl('put', 'busy', String(number));
      const next = idle.next();
      idle.requestProgress();
      const { revision, events } = (await next)!;
      proxy.refuse();
      const compacted = await compact(etcd);
      await proxy.pass();
      await etcd.ctl('put', 'idle', '');

      expect(events).toEqual([]);
      expect(revision).toBe(compacted);
      expect((await idle.next())!.events.map(({ kv }) => kv.key)).toEqual(['idle']);
    } finally {
      await store.close();
    }
  }, 30_000);

  it('comes by itself', async () => {
    await using etcd = await startEtcd();
    await using proxy = await startProxy(etcd.ports.client);
    const store = await openEtcdStore([proxy.endpoint], { ...OPTIONS, logger: new RecordingLogger() });
    try {
      const idle = await store.watch({ key: 'idle', afterRevision: 1 });
      for (let number = 0; number < 10; number++) await etcd.ctl('put', 'busy', String(number));
      const told = async (): Promise<number> => (await etcd.metrics()).get(WATCH_RESPONSES) ?? 0;
      const before = await told();
      await poll('the server reports progress', async () => (await told()) > before || undefined);
      // What it has sent before an answer has arrived with that.
      await store.range({ key: 'a' });
      proxy.refuse();
      await compact(etcd);
      await proxy.pass();
      await etcd.ctl('put', 'idle', '');

      expect((await idle.next())!.events.map(({ kv }) => kv.key)).toEqual(['idle']);
    } finally {
      await store.close();
    }
  }, 60_000);
});

describe('a txn of 100 keys', () => {
  it.each(['a watch from then on', 'a catch-up'])(
    'arrives whole at %s',
    async (kind) => {
      await using etcd = await startEtcd();
      const store = await openEtcdStore([etcd.endpoint], { ...OPTIONS, logger: new RecordingLogger() });
      try {
        const value = 'v'.repeat(10_000);
        const success = Array.from({ length: 100 }, (_, index) => ({
          type: 'put' as const,
          key: `k/${index}`,
          value,
        }));
        const request = { key: 'k/', rangeEnd: 'k0', afterRevision: 1 };
        const early = kind === 'a catch-up' ? undefined : await store.watch(request);
        for (let turn = 0; turn < 5; turn++) await store.txn({ success });
        const watch = early ?? (await store.watch(request));
        const byRevision = new Map<number, number>();
        while ([...byRevision.values()].reduce((sum, count) => sum + count, 0) < 500) {
          const revisions = (await watch.next())!.events.map(({ kv }) => kv.modRevision);
          for (const revision of new Set(revisions)) {
            expect(byRevision.has(revision)).toBe(false);
            byRevision.set(revision, revisions.filter((other) => other === revision).length);
          }
        }

        expect([...byRevision.values()]).toEqual([100, 100, 100, 100, 100]);
      } finally {
        await store.close();
      }
    },
    30_000,
  );
});
