import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PUT } from '../../lib/kvi/key-change.js';
import { openEtcdStore } from '../../lib/store/etcd/open-etcd-store.js';
import type { Watch } from '../../lib/store/store.js';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';
import { startProxy } from '../support/etcd/tcp-proxy.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { connect } from '../etcd/support/connect.js';

const SCRIPT = fileURLToPath(new URL('../etcd/support/attach.mjs', import.meta.url));

const WATCHES = 1000;
const KEYS = Array.from({ length: WATCHES }, (_, index) => `k/${index}`);

/** etcd3's own watches begin one after the other; ours do not wait for each other. */
const SHARE_OF_THEIR_TIME = 1 / 3;

/**
 * Without it, what is measured is how fast this process and the server compute: gRPC and the server alone take some
 * 20 µs for each of ours and 60 for each of theirs, as long as nobody else uses the processors.
 */
const LINK_MS = 1;

const ROUNDS = 3;

const WATCHERS = 'etcd_debugging_mvcc_watcher_total';
const READS =
  'grpc_server_started_total{grpc_method="Range",grpc_service="etcdserverpb.KV",grpc_type="unary"}';

const OPTIONS = { connectTimeoutMs: 5000, requestTimeoutMs: 5000, logger: new RecordingLogger() };

async function collect(watch: Watch, seen: string[]): Promise<void> {
  for (let response = await watch.next(); response !== undefined; response = await watch.next()) {
    seen.push(...response.events.map(({ kv }) => kv.key));
  }
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)]!;
}

describe('a thousand watches on a thousand keys', () => {
  it('attach in a fraction of the time of those of etcd3', async () => {
    await using etcd = await startEtcd();
    await using proxy = await startProxy(etcd.ports.client);
    proxy.delay(LINK_MS);
    const args = [SCRIPT, proxy.endpoint, String(WATCHES), String(ROUNDS)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const took = JSON.parse(stdout) as Record<'theirs' | 'store' | 'callbacks', number[]>;

    const bound = median(took.theirs) * SHARE_OF_THEIR_TIME;
    expect(median(took.store)).toBeLessThan(bound);
    expect(median(took.callbacks)).toBeLessThan(bound);
  }, 300_000);

  it('ask once where the store stands, and each event is told once', async () => {
    await using etcd = await startEtcd();
    await using connection = await connect(etcd.endpoint);
    const { kvi } = connection;
    const seen: string[] = [];
    const before = await etcd.metrics();
    await Promise.all(KEYS.map((key) => kvi.watchWithCB(key, PUT, (told) => void seen.push(told))));
    const after = await etcd.metrics();
    await Promise.all(KEYS.map((key) => kvi.store(key, '')));
    await poll('all events', () => seen.length >= WATCHES || undefined);

    expect(after.sum(WATCHERS) - before.sum(WATCHERS)).toBe(WATCHES);
    expect(after.get(READS)! - before.get(READS)!).toBe(1);
    expect(seen.sort()).toEqual([...KEYS].sort());
  }, 60_000);

  it('are on one stream, and each event arrives once', async () => {
    await using etcd = await startEtcd();
    const store = await openEtcdStore([etcd.endpoint], OPTIONS);
    try {
      const watches = await Promise.all(KEYS.map((key) => store.watch({ key, afterRevision: 1 })));
      const seen: string[] = [];
      const ends = watches.map((watch) => collect(watch, seen));
      const metrics = await etcd.metrics();
      await Promise.all(KEYS.map((key) => store.txn({ success: [{ type: 'put', key, value: '' }] })));
      await poll('all events', () => seen.length >= WATCHES || undefined);
      for (const watch of watches) watch.cancel();
      await Promise.all(ends);

      expect(metrics.sum(WATCHERS)).toBe(WATCHES);
      expect(metrics.sum('etcd_debugging_mvcc_watch_stream_total')).toBe(1);
      expect(seen.sort()).toEqual([...KEYS].sort());
    } finally {
      await store.close();
    }
  }, 60_000);
});
