import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { openEtcdStore } from '../../lib/store/etcd/open-etcd-store.js';
import type { Operation, RangeResponse, Store } from '../../lib/store/store.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { connect } from '../etcd/support/connect.js';

const KEYS = 200_000;
const VALUE = 'v'.repeat(1000);

/** A server takes 128 operations in one txn. */
const OPERATIONS = 100;
const AT_ONCE = 8;

const MEGABYTE = 1024 * 1024;

const keyOf = (number: number): string => `k/${String(number).padStart(6, '0')}`;
const [FIRST, LAST] = [keyOf(0), keyOf(KEYS - 1)];

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is in use, with the buffers outside of the heap, and without what was only not yet collected. */
function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** How much more memory is in use while a range is scanned, looked at `looks` times. */
async function memoryOfScan(kvi: Kvi, prefix: string, keys: number, looks: number): Promise<number> {
  const before = memoryInUse();
  let [count, largest] = [0, 0];
  for await (const { key } of kvi.scan({ prefix })) {
    if (key.startsWith('k/1-')) continue;
    if (++count % Math.floor(keys / looks) === 0) largest = Math.max(largest, memoryInUse() - before);
  }
  expect(count).toBe(keys);
  return largest;
}

async function fill(store: Store, from: number): Promise<void> {
  for (let number = from; number < KEYS; number += OPERATIONS * AT_ONCE) {
    const success = Array.from({ length: OPERATIONS }, (_, index): Operation => {
      return { type: 'put', key: keyOf(number + index), value: VALUE };
    });
    await store.txn({ success });
  }
}

/** Changes both ends of the range and its middle in one txn each time, until it is told to stop. */
async function disturb(store: Store, signal: AbortSignal): Promise<number> {
  for (let turn = 0; ; turn++) {
    if (signal.aborted) return turn;
    const value = String(turn);
    const puts = [FIRST, LAST, `k/1-${turn % 2}`].map((key): Operation => ({ type: 'put', key, value }));
    await store.txn({ success: [...puts, { type: 'delete', key: `k/1-${(turn + 1) % 2}` }] });
  }
}

describe('200,000 keys of 1 KB', () => {
  let etcd: EtcdServer;
  let store: Store;
  let writing: Store;
  const options = { connectTimeoutMs: 5000, requestTimeoutMs: 10_000, logger: new RecordingLogger() };
  beforeAll(async () => {
    etcd = await startEtcd();
    store = await openEtcdStore([etcd.endpoint], options);
    writing = await openEtcdStore([etcd.endpoint], options);
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => fill(store, index * OPERATIONS)));
  }, 180_000);
  afterAll(async () => {
    await store.close();
    await writing.close();
    await etcd.stop();
  });

  it('come back complete and of one revision while another client writes', async () => {
    const done = new AbortController();
    const disturbed = disturb(writing, done.signal);
    const { kvs, revision, more } = await store.range({ key: 'k/', rangeEnd: 'k0' });
    done.abort();

    expect(await disturbed).toBeGreaterThan(10);
    expect(more).toBe(false);
    expect(kvs.filter(({ modRevision }) => modRevision > revision)).toEqual([]);
    expect(kvs.at(-1)!.value).toBe(kvs[0]!.value);
    const own = kvs.filter(({ key }) => !key.startsWith('k/1-'));
    expect(own.length).toBe(KEYS);
    expect(own.every(({ key }, number) => key === keyOf(number))).toBe(true);
    expect(kvs.length - own.length).toBe(kvs[0]!.value === VALUE ? 0 : 1);
  }, 120_000);

  it('are begun anew when their snapshot is compacted between two pages', async () => {
    const compactWhileRead = async (): Promise<{ compacted: number; range: RangeResponse }> => {
      const reading = store.range({ key: 'k/', rangeEnd: 'k0' });
      // On the same connection, so that its first page is read.
      for (let read = 0; read < 5; read++) await store.range({ key: FIRST });
      const { revision } = await writing.txn({ success: [{ type: 'put', key: LAST, value: 'new' }] });
      await etcd.ctl('compact', String(revision));
      return { compacted: revision, range: await reading };
    };
    let { compacted, range } = await compactWhileRead();
    // It was read to its end before.
    while (range.revision < compacted) ({ compacted, range } = await compactWhileRead());

    expect(range.kvs.at(-1)!.value).toBe('new');
  }, 120_000);

  it('are scanned in bounded memory', async () => {
    await using reading = await connect(etcd.endpoint);
    expect(await memoryOfScan(reading.kvi, 'k/', KEYS, 10)).toBeLessThan(64 * MEGABYTE);
  }, 120_000);
});

describe('values of 100 KB', () => {
  const count = 2000;
  const value = 'v'.repeat(100_000);
  const atOnce = 10;

  it('are scanned in bounded memory, too, behind many small ones', async () => {
    await using etcd = await startEtcd();
    await using connection = await connect(etcd.endpoint);
    const { kvi } = connection;
    await Promise.all(Array.from({ length: 100 }, (_, number) => kvi.store(`k/${number}`, '')));
    for (let number = 0; number < count; number += atOnce) {
      await Promise.all(
        Array.from({ length: atOnce }, (_, index) => kvi.store(`k/large/${number + index}`, value)),
      );
    }

    expect(await memoryOfScan(kvi, 'k/', count + 100, 50)).toBeLessThan(64 * MEGABYTE);
    expect((await kvi.getPrefix('k/large/')).length).toBe(count);
  }, 120_000);
});

describe('a response', () => {
  it('may be larger than the 4 MB that gRPC takes by itself', async () => {
    await using etcd = await startEtcd();
    await using connection = await connect(etcd.endpoint);
    const { kvi } = connection;
    const value = 'v'.repeat(1_000_000);
    for (let number = 0; number < 10; number++) await kvi.store(`k/${number}`, value);
    const kvs = await kvi.getPrefix('k/');

    expect(kvs.length).toBe(10);
    expect(kvs.every((kv) => kv.value === value)).toBe(true);
  }, 30_000);
});
