import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { UnavailableError } from '../../lib/store/errors.js';
import { Workbench } from '../support/workbench.js';

describe('a temporary key', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.dispose());

  async function leaseOf(key: string): Promise<string> {
    const { kvs } = await bench.foreign.range({ key });
    return kvs[0]!.lease;
  }

  it('goes with its process, within the TTL', async () => {
    const { kvi, store } = bench.open();
    await kvi.tempKey('member');
    for (const verb of ['leaseKeepAlive', 'leaseGrant', 'txn'] as const) {
      store.intercept(verb, () => Promise.reject(new UnavailableError('the process is gone')));
    }
    await bench.clock.advance(9_999);
    expect(await bench.keys()).toEqual(['member']);
    await bench.clock.advance(1);
    expect(await bench.keys()).toEqual([]);
  });

  it('goes on healing after healing failed', async () => {
    const { kvi, store } = bench.open();
    await kvi.tempKey('member');
    store.intercept('txn', () => Promise.reject(new UnavailableError('down')));
    await bench.foreign.leaseRevoke(await leaseOf('member'));
    await bench.clock.advance(5000);
    expect(await bench.keys()).toEqual([]);
    store.intercept('txn', undefined);
    await bench.clock.advance(1000);
    expect(await bench.keys()).toEqual(['member']);
  });

  it('comes back, with a warning, when its history is compacted', async () => {
    const { kvi, store } = bench.open();
    await kvi.tempKey('member');
    const lease = await leaseOf('member');
    store.intercept('range', async (proceed) => {
      store.intercept('range', undefined);
      await kvi.store('other', '1');
      bench.database.compact((await kvi.snapshot('other')).revision);
      return proceed();
    });
    await bench.foreign.leaseRevoke(lease);
    await bench.logger.line('warn', /'member' is compacted/);
    await bench.clock.advance(0);
    expect(await bench.keys()).toEqual(['member', 'other']);
  });

  it('stays with whoever created it in between', async () => {
    const { kvi, store } = bench.open();
    await kvi.tempKey('member');
    const lease = await leaseOf('member');
    store.intercept('leaseGrant', async (proceed) => {
      await bench.foreign.txn({ success: [{ type: 'put', key: 'member', value: 'of another' }] });
      return proceed();
    });
    await bench.foreign.leaseRevoke(lease);
    await bench.logger.line('warn', /'member'.*another/);
    await kvi.close();
    expect(await bench.keys()).toEqual(['member']);
  });
});
