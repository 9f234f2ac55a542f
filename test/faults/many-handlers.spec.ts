import { expect, it } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PUT } from '../../lib/kvi/key-change.js';
import { connect } from '../etcd/support/connect.js';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';

const KEYS = Array.from({ length: 1000 }, (_, index) => `k/${index}`);
const HANDLERS_PER_KEY = 10;
const HANDLERS = KEYS.length * HANDLERS_PER_KEY;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

it('ten thousand handlers on a thousand keys share a thousand watches on one stream, and each is told each event once', async () => {
  await using etcd = await startEtcd();
  await using connection = await connect(etcd.endpoint, { requestTimeoutMs: 30_000 });
  const { kvi } = connection;
  await kvi.get('k');
  const told = new Map<string, number>();
  const tell = (handler: string): void => void told.set(handler, (told.get(handler) ?? 0) + 1);
  const heapBefore = heapBytes();
  const start = performance.now();
  await Promise.all(
    KEYS.flatMap((key) =>
      Array.from({ length: HANDLERS_PER_KEY }, (_, number) =>
        kvi.watchWithCB(key, PUT, (_key, value) => tell(`${key} ${number} ${value}`)),
      ),
    ),
  );
  const attachMs = performance.now() - start;
  const heapPerHandler = (heapBytes() - heapBefore) / HANDLERS;
  const metrics = await etcd.metrics();
  for (const value of ['1', '2']) await Promise.all(KEYS.map((key) => kvi.store(key, value)));
  await poll('all calls', () => told.size >= 2 * HANDLERS || undefined);
  process.stdout.write(
    `${HANDLERS} handlers on ${KEYS.length} keys: attached in ${Math.round(attachMs)} ms, ${Math.round(heapPerHandler)} bytes of heap each\n`,
  );

  expect(metrics.sum('etcd_debugging_mvcc_watcher_total')).toBeLessThanOrEqual(KEYS.length);
  expect(metrics.sum('etcd_debugging_mvcc_watch_stream_total')).toBe(1);
  expect(told.size).toBe(2 * HANDLERS);
  expect(new Set(told.values())).toEqual(new Set([1]));
}, 120_000);
