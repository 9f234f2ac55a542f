import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openEtcdStore } from '../../lib/store/etcd/open-etcd-store.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { startProxy } from '../support/etcd/tcp-proxy.js';
import { connect } from './support/connect.js';
import { Follower } from './support/follower.js';

const EVENTS = 5000;
const OPTIONS = { connectTimeoutMs: 10_000, requestTimeoutMs: 10_000, logger: new RecordingLogger() };

/** What a catch-up sends at once: the changes of 1,000 revisions. Nothing else here is nearly as large. */
const A_BATCH = { atLeastBytes: 10_000 };
const BATCHES = 5;

describe('a catch-up over 5,000 events', () => {
  let etcd: EtcdServer;
  beforeAll(async () => {
    etcd = await startEtcd();
    const store = await openEtcdStore([etcd.endpoint], OPTIONS);
    // Each in a revision of its own, which writes that travel together do not have.
    const put = (name: string): Promise<unknown> =>
      store.txn({ success: [{ type: 'put', key: `k/${name}`, value: '' }] });
    for (let first = 0; first < EVENTS; first += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, index) => put(String(first + index))));
    }
    await put('end');
    await store.close();
  }, 60_000);
  afterAll(() => etcd.stop());

  /** What it says of a follower that has every change once and in order. */
  const WHOLE = { count: EVENTS + 1, keys: EVENTS + 1, gaps: 0 };

  function summaryOf({ changes }: Follower): typeof WHOLE {
    const gaps = changes.filter(({ revision }, index) => revision !== changes[0]!.revision + index);
    return { count: changes.length, keys: new Set(changes.map(({ key }) => key)).size, gaps: gaps.length };
  }

  it.each(Array.from({ length: BATCHES }, (_, index) => index + 1))(
    'is whole when the stream is cut after batch %d',
    async (batch) => {
      await using proxy = await startProxy(etcd.ports.client);
      await using reading = await connect(proxy.endpoint);
      const cut = proxy.cutAfterMessages(batch, A_BATCH);
      await using follower = new Follower(reading.kvi, { prefix: 'k/' });
      await cut;
      await follower.reached('k/end');

      expect(summaryOf(follower)).toEqual(WHOLE);
    },
    30_000,
  );

  it('is whole when the stream is cut after each batch', async () => {
    await using proxy = await startProxy(etcd.ports.client);
    await using reading = await connect(proxy.endpoint);
    let cuts = 0;
    const cutAgain = (): void => {
      cuts++;
      void proxy.cutAfterMessages(1, A_BATCH).then(cutAgain);
    };
    void proxy.cutAfterMessages(1, A_BATCH).then(cutAgain);
    await using follower = new Follower(reading.kvi, { prefix: 'k/' });
    await follower.reached('k/end');

    expect(summaryOf(follower)).toEqual(WHOLE);
    expect(cuts).toBeGreaterThanOrEqual(BATCHES);
  }, 60_000);

  it.each([1, 20_001, 50_001, 90_001])(
    'is whole when the stream is cut in the middle of a response, after %d bytes',
    async (bytes) => {
      await using proxy = await startProxy(etcd.ports.client);
      await using reading = await connect(proxy.endpoint);
      const cut = proxy.cutAfterBytes(bytes);
      await using follower = new Follower(reading.kvi, { prefix: 'k/' });
      await cut;
      await follower.reached('k/end');

      expect(summaryOf(follower)).toEqual(WHOLE);
    },
    30_000,
  );
});
