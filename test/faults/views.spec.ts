import { describe, expect, it } from '@jest/globals';
import type { Kvi, LiveView } from '../../lib/kvi/kvi.js';
import { HmEtcdError } from '../../lib/store/errors.js';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';
import { startProxy } from '../support/etcd/tcp-proxy.js';
import { connect } from '../etcd/support/connect.js';

const REQUEST_MS = 2000;

/** gRPC pings after 5 s without a word and waits 3 s for the answer; the rest is for a machine with other work. */
const DEAD_LINK_MS = 8000 + 5000;

const PREFIX = { prefix: 'k/' };

/** Resolves with the milliseconds that it took until the view said that it is cut off. */
async function untilStale(view: LiveView): Promise<number> {
  const start = performance.now();
  await poll('the view is stale', () => !view.isCurrent || undefined);
  return performance.now() - start;
}

/** Tries again for as long as the store cannot be reached. */
async function synced(view: LiveView): Promise<void> {
  await poll('the view is in step', async () => {
    try {
      await view.sync();
      return true;
    } catch (error) {
      if (!(error instanceof HmEtcdError)) throw error;
      return undefined;
    }
  });
}

async function expectTrue(view: LiveView, kvi: Kvi): Promise<void> {
  const { entries } = await kvi.snapshot(PREFIX);
  expect([...view]).toEqual(entries.map(({ key, value }) => [key, value]));
}

describe('a view', () => {
  it('of a server that is killed is stale at once, and current again by itself', async () => {
    await using etcd = await startEtcd();
    await using connection = await connect(etcd.endpoint, { requestTimeoutMs: REQUEST_MS });
    const { kvi } = connection;
    await kvi.store('k/before', '');
    await using view = await kvi.observe(PREFIX);
    const killedAt = Date.now();
    await etcd.kill();
    expect(await untilStale(view)).toBeLessThan(5000);
    const since = view.staleSince!.getTime();
    expect(since).toBeLessThanOrEqual(Date.now());
    const start = performance.now();
    await expect(view.sync()).rejects.toBeInstanceOf(HmEtcdError);
    expect(performance.now() - start).toBeLessThan(REQUEST_MS + 1000);
    // It goes back to when the server was last heard of, and stays there.
    expect(view.staleSince!.getTime() - since).toBeLessThan(1000);
    expect(since).toBeLessThanOrEqual(killedAt + 1000);
    expect([...view.keys()]).toEqual(['k/before']);

    await etcd.restart();
    await etcd.ctl('put', 'k/after', '');
    await poll('the view is current', () => view.isCurrent || undefined);
    await synced(view);
    await expectTrue(view, kvi);
    expect([...view.keys()]).toEqual(['k/after', 'k/before']);
  });

  it('over a link that is dead is stale as soon as the link is given up', async () => {
    await using etcd = await startEtcd();
    await using proxy = await startProxy(etcd.ports.client);
    await using connection = await connect(proxy.endpoint, { requestTimeoutMs: REQUEST_MS });
    const { kvi } = connection;
    await using view = await kvi.observe(PREFIX);
    await kvi.store('k/before', '');
    await view.sync();
    await proxy.swallow();
    const deadAt = Date.now();
    await etcd.ctl('put', 'k/meanwhile', '');
    expect(await untilStale(view)).toBeLessThan(DEAD_LINK_MS);
    expect(view.staleSince!.getTime()).toBeLessThanOrEqual(deadAt + 1000);
    expect(view.has('k/meanwhile')).toBe(false);
    await proxy.pass();
    await poll('the view is current', () => view.isCurrent || undefined);
    await synced(view);
    await expectTrue(view, kvi);
    expect(view.has('k/meanwhile')).toBe(true);
  });

  it('is true, once synced, although a backup was restored behind it', async () => {
    await using etcd = await startEtcd();
    await using connection = await connect(etcd.endpoint, { requestTimeoutMs: REQUEST_MS });
    const { kvi } = connection;
    await kvi.store('k/before', '');
    const snapshot = await etcd.saveSnapshot();
    await using view = await kvi.observe(PREFIX);
    for (let number = 0; number < 20; number++) await kvi.store('k/lost', String(number));
    await view.sync();
    const old = view.revision;
    await etcd.restoreSnapshot(snapshot);
    await synced(view);

    expect([...view.keys()]).toEqual(['k/before']);
    expect(view.revision).toBeLessThan(old);
    await kvi.store('k/after', '');
    await view.sync();
    await expectTrue(view, kvi);
  });
});
