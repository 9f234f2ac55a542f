import { describe, expect, it } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openEtcdStore } from '../../lib/store/etcd/open-etcd-store.js';
import type { Store, Watch } from '../../lib/store/store.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';
import { RecordingLogger } from '../support/recording-logger.js';

const OPTIONS = { connectTimeoutMs: 5000, requestTimeoutMs: 5000, logger: new RecordingLogger() };
const SPAN = { key: 'k/', rangeEnd: 'k0' };

/** More than waits for a reader. */
const CHANGES = 200;
const VALUE = 'v'.repeat(100_000);

/** Many that read, beside one that does not. */
const READERS = 100;
const EVENTS = Number(process.env.SLOW_READER_EVENTS ?? 20_000);
const EVENTS_A_TXN = 20;
const EVENT_BYTES = 2000;

/** What may be held for the one that does not read: what waits for it and what is kept for who joins, twice over. */
const HELD_BYTES = 20 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function usedBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

async function writeNumbers(store: Store): Promise<void> {
  for (let from = 0; from < EVENTS; from += EVENTS_A_TXN) {
    const success = Array.from({ length: EVENTS_A_TXN }, (_, index) => ({
      type: 'put' as const,
      key: `k/${(from + index) % 1000}`,
      value: String(from + index).padEnd(EVENT_BYTES),
    }));
    await store.txn({ success });
  }
}

/** Reads until it has seen every number, each in its turn. */
async function readNumbers(watch: Watch): Promise<void> {
  for (let expected = 0; expected < EVENTS;) {
    const { events } = (await watch.next())!;
    for (const { kv } of events) {
      if (Number(kv.value) !== expected) throw new Error(`${kv.value.trim()} came instead of ${expected}`);
      expected++;
    }
  }
}

async function watchersOf(etcd: EtcdServer): Promise<number> {
  return (await etcd.metrics()).sum('etcd_debugging_mvcc_watcher_total');
}

describe('a reader that does not read', () => {
  it('is held in bounded memory, disturbs nobody, and goes on from where it was', async () => {
    await using etcd = await startEtcd();
    const store = await openEtcdStore([etcd.endpoint], OPTIONS);
    try {
      const { revision } = await store.range({ key: 'k/' });
      const slow = await store.watch({ ...SPAN, afterRevision: revision });
      const quick = await store.watch({ ...SPAN, afterRevision: revision });
      const quickly: string[] = [];
      for (let number = 0; number < CHANGES; number++) {
        await store.txn({ success: [{ type: 'put', key: `k/${number}`, value: VALUE }] });
        quickly.push((await quick.next())!.events[0]!.kv.key);
      }
      expect(await watchersOf(etcd)).toBe(1);
      const slowly: string[] = [];
      while (slowly.length < CHANGES) slowly.push(...(await slow.next())!.events.map(({ kv }) => kv.key));
      await store.txn({ success: [{ type: 'put', key: 'k/end', value: '' }] });
      const ends = await Promise.all([slow.next(), quick.next()]);
      // It has caught up, and shares the watch again.
      await poll('one watch is enough', async () => (await watchersOf(etcd)) === 1 || undefined);

      const expected = Array.from({ length: CHANGES }, (_, number) => `k/${number}`);
      expect(quickly).toEqual(expected);
      expect(slowly).toEqual(expected);
      expect(ends.map((end) => end!.events.map(({ kv }) => kv.key))).toEqual([['k/end'], ['k/end']]);
    } finally {
      await store.close();
    }
  }, 60_000);

  it('alone goes on from where it was, too', async () => {
    await using etcd = await startEtcd();
    const store = await openEtcdStore([etcd.endpoint], OPTIONS);
    try {
      const { revision } = await store.range({ key: 'k/' });
      const slow = await store.watch({ ...SPAN, afterRevision: revision });
      const put = (key: string): Promise<unknown> =>
        store.txn({ success: [{ type: 'put', key, value: VALUE }] });
      for (let number = 0; number < CHANGES; number++) await put(`k/${number}`);
      await poll('it is not fed any more', async () => (await watchersOf(etcd)) === 0 || undefined);
      const slowly: string[] = [];
      while (slowly.length < CHANGES) slowly.push(...(await slow.next())!.events.map(({ kv }) => kv.key));
      await put('k/end');
      slowly.push(...(await slow.next())!.events.map(({ kv }) => kv.key));

      expect(slowly).toEqual([...Array.from({ length: CHANGES }, (_, number) => `k/${number}`), 'k/end']);
    } finally {
      await store.close();
    }
  }, 60_000);

  it(`costs little beside ${READERS} that do, and misses none of ${EVENTS} events`, async () => {
    await using etcd = await startEtcd();
    const writer = await openEtcdStore([etcd.endpoint], OPTIONS);
    const store = await openEtcdStore([etcd.endpoint], OPTIONS);
    try {
      const request = { ...SPAN, afterRevision: 1 };
      const slow = await store.watch(request);
      const others = await Promise.all(Array.from({ length: READERS }, () => store.watch(request)));
      const before = usedBytes();
      await Promise.all([writeNumbers(writer), ...others.map(readNumbers)]);
      const held = usedBytes() - before;

      expect(EVENTS * EVENT_BYTES).toBeGreaterThan(HELD_BYTES);
      expect(held).toBeLessThan(HELD_BYTES);
      expect(await watchersOf(etcd)).toBe(1);
      await readNumbers(slow);
    } finally {
      await store.close();
      await writer.close();
    }
  }, 600_000);
});
