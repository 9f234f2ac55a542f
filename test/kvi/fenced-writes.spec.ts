import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LockLostError } from '../../lib/kvi/errors.js';
import { Workbench } from '../support/workbench.js';

describe('a fenced write', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.dispose());

  it('is one call', async () => {
    const { kvi, store } = bench.open();
    const lock = await kvi.lock('jobs');
    const before = store.calls.length;
    await lock.kv.store('data', '1');
    expect(store.calls.slice(before).map(({ verb }) => verb)).toEqual(['txn']);
  });

  it('is refused by the store, where the holder was told of nothing, and tells the holder', async () => {
    const { kvi, store } = bench.open();
    store.intercept('watch', () => new Promise<never>(() => {}));
    const lock = await kvi.lock('jobs');
    await bench.foreign.txn({ success: [{ type: 'delete', key: lock.key }] });
    await bench.clock.advance(1000);
    expect(lock.isHeld).toBe(true);
    await expect(lock.kv.store('data', '1')).rejects.toBeInstanceOf(LockLostError);
    expect(await kvi.get('data')).toBeUndefined();
    expect(lock.signal.aborted).toBe(true);
  });

  it('is not sent by a holder that knows better', async () => {
    const { kvi, store } = bench.open();
    const lock = await kvi.lock('jobs', { maxHoldSec: 1 });
    bench.clock.skip(1000);
    store.calls.length = 0;
    await expect(lock.kv.store('data', '1')).rejects.toBeInstanceOf(LockLostError);
    expect(JSON.stringify(store.calls)).not.toContain('data');
  });

  it('that is under way when its lock is released is told from a lost one', async () => {
    const { kvi } = bench.open();
    const lock = await kvi.lock('jobs');
    const [released, written] = await Promise.allSettled([lock.release(), lock.kv.store('data', '1')]);
    expect(released.status).toBe('fulfilled');
    expect(written).toMatchObject({ reason: { message: expect.stringContaining('was released') } });
  });

  it('sees the streams that were begun before it', async () => {
    const { kvi } = bench.open();
    const lock = await kvi.lock('jobs');
    const change = kvi.watch('data');
    await lock.kv.store('data', '1');
    expect(await change).toMatchObject({ value: '1' });
  });
});
