import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LockLostError } from '../../lib/kvi/errors.js';
import { UnavailableError } from '../../lib/store/errors.js';
import { aborted } from '../contract/backend.js';
import { Workbench } from '../support/workbench.js';

const down = (): Promise<never> => Promise.reject(new UnavailableError('down'));

describe('a held lock', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.dispose());

  it('ends at maxHoldSec, told before its key goes', async () => {
    const { kvi, store } = bench.open();
    const lock = await kvi.lock('jobs', { maxHoldSec: 30 });
    store.intercept('txn', (proceed) => {
      expect(lock.signal.aborted).toBe(true);
      return proceed();
    });
    await bench.clock.advance(29_999);
    expect(lock.isHeld).toBe(true);
    await bench.clock.advance(1);
    expect(lock.signal.aborted).toBe(true);
    expect(await bench.keys()).toEqual([]);
  });

  it('is over after maxHoldSec also where no timer has run', async () => {
    const { kvi } = bench.open();
    const lock = await kvi.lock('jobs', { maxHoldSec: 3 });
    bench.clock.skip(3000);
    expect(() => lock.assertHeld()).toThrow(/maxHoldSec/);
  });

  it('has its key deleted after maxHoldSec until that is confirmed', async () => {
    const { kvi, store } = bench.open();
    const lock = await kvi.lock('jobs', { maxHoldSec: 30 });
    store.intercept('txn', down);
    await bench.clock.advance(40_000);
    expect(await bench.keys()).toEqual([lock.key]);
    store.intercept('txn', undefined);
    await bench.clock.advance(1000);
    expect(await bench.keys()).toEqual([]);
  });

  it('whose release fails says so, is not held, and has its key deleted until that is confirmed', async () => {
    const { kvi, store } = bench.open();
    const lock = await kvi.lock('jobs');
    store.intercept('txn', down);
    await expect(lock.release()).rejects.toBeInstanceOf(UnavailableError);
    expect(lock.isHeld).toBe(false);
    await bench.clock.advance(20_000);
    expect(await bench.keys()).toEqual([lock.key]);
    store.intercept('txn', undefined);
    await bench.clock.advance(1000);
    expect(await bench.keys()).toEqual([]);
  });

  it('whose key was removed and put anew by another is lost at its release, and leaves that key alone', async () => {
    const { kvi, store } = bench.open();
    const lock = await kvi.lock('jobs');
    store.intercept('txn', async (proceed) => {
      await bench.foreign.txn({ success: [{ type: 'delete', key: lock.key }] });
      await bench.foreign.txn({ success: [{ type: 'put', key: lock.key, value: 'of another' }] });
      return proceed();
    });
    await expect(lock.release()).rejects.toBeInstanceOf(LockLostError);
    expect(await bench.keys()).toEqual([lock.key]);
  });

  it('is not lost when its watch breaks, and notices the removal of its key afterwards', async () => {
    const { kvi, store } = bench.open();
    let breakWatch = (): void => {};
    store.intercept('watch', async (proceed) => {
      const watch = (await proceed()) as { next(): Promise<unknown> };
      const broken = new Promise<never>((_resolve, reject) => {
        breakWatch = () => reject(new UnavailableError('cut'));
      });
      return { ...watch, next: () => broken, cancel: () => {}, requestProgress: () => {} } as never;
    });
    const lock = await kvi.lock('jobs');
    await bench.clock.advance(0);
    store.intercept('watch', undefined);
    breakWatch();
    await bench.clock.advance(1000);
    lock.assertHeld();
    await bench.foreign.txn({ success: [{ type: 'delete', key: lock.key }] });
    expect(await aborted(lock.signal)).toBeInstanceOf(LockLostError);
  });

  it('that lost its key while its watch was broken is told', async () => {
    const { kvi, store } = bench.open();
    store.intercept('watch', down);
    const lock = await kvi.lock('jobs');
    await bench.foreign.txn({ success: [{ type: 'delete', key: lock.key }] });
    await bench.clock.advance(1000);
    expect(lock.signal.aborted).toBe(true);
  });

  it('tells nobody when it is released', async () => {
    const { kvi } = bench.open();
    const lock = await kvi.lock('jobs', { maxHoldSec: 5 });
    await lock.release();
    await bench.clock.advance(60_000);
    expect(lock.signal.aborted).toBe(false);
    expect(bench.logger.at('error')).toEqual([]);
  });
});
