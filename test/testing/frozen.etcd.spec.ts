import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { PUT } from '../../lib/kvi/key-change.js';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { open } from '../../lib/kvi/open.js';
import type { KviOptions } from '../../lib/kvi/options.js';
import { TestStore } from '../../lib/testing/test-store.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { startProxy, type TcpProxy } from '../support/etcd/tcp-proxy.js';
import { RecordingLogger } from '../support/recording-logger.js';

const TIMEOUT_MS = 1500;
const OPTIONS = { requestTimeoutMs: TIMEOUT_MS, shutdownTimeoutMs: 0 };

/** Prepares a call while the store answers. */
type Prepare = (kvi: Kvi) => Promise<() => Promise<unknown>>;

const now =
  (call: (kvi: Kvi) => Promise<unknown>): Prepare =>
  async (kvi) =>
  () =>
    call(kvi);

const CALLS: Readonly<Record<string, Prepare>> = {
  get: now((kvi) => kvi.get('a')),
  getRange: now((kvi) => kvi.getRange('a', 'b')),
  snapshot: now((kvi) => kvi.snapshot({ prefix: 'a' })),
  scan: now((kvi) => kvi.scan({ prefix: 'a' })[Symbol.asyncIterator]().next()),
  store: now((kvi) => kvi.store('a', '1')),
  delete: now((kvi) => kvi.delete('a')),
  tas: now((kvi) => kvi.tas('a', '1', '2')),
  transaction: now((kvi) => kvi.transaction('a', '=', '1', 'b', '2')),
  createIfAbsent: now((kvi) => kvi.createIfAbsent('a', '1')),
  watchWithCB: now((kvi) => kvi.watchWithCB('a', PUT, () => {})),
  changes: now((kvi) => kvi.changes('a').next()),
  observe: now((kvi) => kvi.observe('a')),
  lockInfo: now((kvi) => kvi.lockInfo('jobs')),
  'lock with a time limit': now((kvi) => kvi.lock('jobs', { timeoutSec: 0.5 })),
  'release of a lock': async (kvi) => {
    const lock = await kvi.lock(`held/${Math.random()}`);
    return () => lock.release();
  },
  'sync of a view': async (kvi) => {
    const view = await kvi.observe('a');
    return () => view.sync();
  },
};

interface Subject {
  open(options: KviOptions): Promise<Kvi>;
  freeze(): Promise<unknown>;
}

/** Each call on a handle of its own, so that none is behind another: how it ends when nothing is answered. */
async function endings(subject: Subject): Promise<Record<string, string>> {
  const prepared = Object.entries(CALLS).map(async ([name, prepare]) => {
    const kvi = await subject.open({ ...OPTIONS, logger: new RecordingLogger() });
    await kvi.store(`warm/${name}`, '1');
    await kvi.tempKey(`member/${name}`);
    return { name, kvi, call: await prepare(kvi) };
  });
  const calls = await Promise.all(prepared);
  await subject.freeze();
  const ended = calls.map(async ({ name, call }) => {
    const ending = await call().then(
      () => 'an answer',
      (error: Error) => error.name,
    );
    return [name, ending] as const;
  });
  const found = Object.fromEntries(await Promise.all(ended));
  await Promise.all(calls.map(({ kvi }) => kvi.close()));
  return found;
}

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

it('calls end as they do where etcd hangs', async () => {
  const store = new TestStore();
  const onEtcd = await endings({
    open: (options) => open(proxy.endpoint, options),
    freeze: () => proxy.swallow(),
  });
  const onTestStore = await endings({
    open: (options) => store.open(options),
    freeze: async () => store.faults.freeze(),
  });
  expect(onTestStore).toEqual(onEtcd);
}, 60_000);
