import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PUT } from '../../lib/kvi/key-change.js';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { open } from '../../lib/kvi/open.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { startProxy, type TcpProxy } from '../support/etcd/tcp-proxy.js';
import { RecordingLogger } from '../support/recording-logger.js';

const TIMEOUT_MS = 1500;
const LOCK_SEC = 0.5;

/** How much later than its deadline a call may end. */
const GRACE_MS = 1000;

const OUTAGES: readonly (readonly [string, (proxy: TcpProxy) => Promise<void>])[] = [
  ['swallows what comes over its connections', (proxy) => proxy.swallow()],
  [
    'accepts connections and never answers',
    async (proxy) => {
      await proxy.swallow();
      proxy.cut();
    },
  ],
];

async function withPages(kvi: Kvi): Promise<void> {
  for await (const pair of kvi.scan({ prefix: 'a' })) void pair;
}

async function untilToldOrNot(kvi: Kvi): Promise<void> {
  await kvi.changes('stream').next();
}

async function afterAStream(kvi: Kvi): Promise<void> {
  kvi.changes('written');
  await kvi.store('written', '1');
}

/** Each call, and the milliseconds that it has. */
const CALLS: readonly (readonly [string, number, (kvi: Kvi) => Promise<unknown>])[] = [
  ['get', TIMEOUT_MS, (kvi) => kvi.get('a')],
  ['getRange', TIMEOUT_MS, (kvi) => kvi.getRange('a', 'z')],
  ['getPrefix', TIMEOUT_MS, (kvi) => kvi.getPrefix('a')],
  ['snapshot', TIMEOUT_MS, (kvi) => kvi.snapshot({ prefix: 'a' })],
  ['scan', TIMEOUT_MS, withPages],
  ['store', TIMEOUT_MS, (kvi) => kvi.store('b', '1')],
  ['delete', TIMEOUT_MS, (kvi) => kvi.delete('c')],
  ['tas', TIMEOUT_MS, (kvi) => kvi.tas('d', '1', '2')],
  ['transaction', TIMEOUT_MS, (kvi) => kvi.transaction('e', '=', '1', 'f', '2')],
  ['createIfAbsent', TIMEOUT_MS, (kvi) => kvi.createIfAbsent('g', '1')],
  ['store after the start of a stream', TIMEOUT_MS, afterAStream],
  ['tempKey', TIMEOUT_MS, (kvi) => kvi.tempKey('member')],
  ['lock', LOCK_SEC * 1000 + 250, (kvi) => kvi.lock('h', { timeoutSec: LOCK_SEC })],
  ['lock, one try', TIMEOUT_MS + 250, (kvi) => kvi.lock('i', { timeoutSec: 0 })],
  ['withLock', LOCK_SEC * 1000 + 250, (kvi) => kvi.withLock('j', { timeoutSec: LOCK_SEC }, async () => {})],
  ['distTimedLock', LOCK_SEC * 1000 + 250, (kvi) => kvi.distTimedLock(LOCK_SEC)],
  ['lockInfo', TIMEOUT_MS, (kvi) => kvi.lockInfo('h')],
  ['observe', TIMEOUT_MS, (kvi) => kvi.observe({ prefix: 'view' })],
  ['watchWithCB', TIMEOUT_MS, (kvi) => kvi.watchWithCB('k', PUT, () => {})],
  ['the start of watch', TIMEOUT_MS, (kvi) => kvi.watch('l')],
  ['the start of changes', TIMEOUT_MS, untilToldOrNot],
];

describe.each(OUTAGES)('when the server %s', (_how, begin) => {
  let etcd: EtcdServer;
  let proxy: TcpProxy;
  beforeAll(async () => {
    etcd = await startEtcd();
    proxy = await startProxy(etcd.ports.client);
  }, 30_000);
  afterAll(async () => {
    await proxy.stop();
    await etcd.stop();
  });

  it('every call ends by its deadline, and close soon after', async () => {
    const options = { requestTimeoutMs: TIMEOUT_MS, shutdownTimeoutMs: 0, logger: new RecordingLogger() };
    const kvi = await open(proxy.endpoint, options);
    const held = await kvi.lock('held');
    const view = await kvi.observe({ prefix: 'seen' });
    const calls = [
      ...CALLS,
      ['release', TIMEOUT_MS, () => held.release()] as const,
      ['sync', TIMEOUT_MS, () => view.sync()] as const,
    ];
    await begin(proxy);

    const late: string[] = [];
    const timed = async (what: string, limitMs: number, call: () => Promise<unknown>): Promise<void> => {
      const start = performance.now();
      await call().catch(() => {});
      const tookMs = Math.round(performance.now() - start);
      if (tookMs > limitMs + GRACE_MS) late.push(`${what} took ${tookMs} ms of ${limitMs}`);
    };
    await Promise.all(calls.map(([what, limitMs, call]) => timed(what, limitMs, () => call(kvi))));
    const underWay = [afterAStream(kvi), kvi.lock('m'), kvi.tempKey('n')].map((call) => call.catch(() => {}));
    await timed('close', TIMEOUT_MS + 1000, () => kvi.close());
    await Promise.all(underWay);
    expect(late).toEqual([]);
  }, 30_000);
});
