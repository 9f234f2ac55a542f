import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PUT } from '../../lib/kvi/key-change.js';
import type { WatchHandle } from '../../lib/kvi/kvi.js';
import { InvalidArgumentError } from '../../lib/store/errors.js';
import { gate, rejectionOf } from '../contract/backend.js';
import { Workbench } from '../support/workbench.js';

describe('the callbacks of a watch', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.dispose());

  it('may throw anything', async () => {
    const { kvi } = bench.open();
    const thrown: unknown[] = [undefined, 'text', Symbol('s'), Object.create(null)];
    const handle = await kvi.watchWithCB('k', PUT, async (_key, value) => {
      if (value === 'last') return false;
      throw thrown[Number(value)];
    });
    for (const value of ['0', '1', '2', '3', 'last']) await kvi.store('k', value);
    expect(await handle.closed).toBe('callback');
    expect(bench.logger.at('error')).toHaveLength(thrown.length);
  });

  it('may be named by anything', async () => {
    const { kvi } = bench.open();
    const nameless = Object.defineProperty(() => false, 'name', { value: Symbol('s') });
    const handle = await kvi.watchWithCB('k', PUT, nameless);
    await kvi.store('k', 'v');
    expect(await handle.closed).toBe('callback');
    await kvi.withLock(
      'l',
      { timeoutSec: 0 },
      Object.defineProperty(async () => {}, 'name', { value: 7 }),
    );
    await kvi.withLock('l', { timeoutSec: 0 }, async () => {});
  });

  it('are not cancelled by what only looks like their handle', async () => {
    const { kvi } = bench.open();
    const handle = await kvi.watchWithCB('k', PUT, () => {});
    for (const like of [Object.create(Object.getPrototypeOf(handle)), new Proxy(handle, {}), { ...handle }]) {
      expect(await rejectionOf(kvi.watchCBCancel(like as WatchHandle))).toBeInstanceOf(InvalidArgumentError);
    }
  });

  it('are waited for by a cancel that an earlier one of them started', async () => {
    const { kvi } = bench.open();
    const [timer, entered, leave] = [gate(), gate(), gate()];
    let cancelled: Promise<void> | undefined;
    let running = false;
    const handle: WatchHandle = await kvi.watchWithCB('k', PUT, async (_key, value) => {
      if (value === 'first') {
        void timer.opened.then(() => (cancelled = kvi.watchCBCancel(handle)));
        return;
      }
      running = true;
      entered.open();
      await leave.opened;
      running = false;
    });
    await kvi.store('k', 'first');
    await kvi.store('k', 'second');
    await entered.opened;
    timer.open();
    await bench.clock.advance(0);
    const atCancel = cancelled!.then(() => running);
    await bench.clock.advance(0);
    leave.open();
    expect(await atCancel).toBe(false);
  });
});
