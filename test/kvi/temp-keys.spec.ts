import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ClosedError, OutcomeUnknownError, UnavailableError } from '../../lib/store/errors.js';
import { gate } from '../contract/backend.js';
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
    await bench.logger.line('warn', /'member' is gone/);
    await bench.clock.advance(0);
    expect(await bench.keys()).toEqual(['member', 'other']);
  });

  it('is still kept when its watch broke and the history since then is compacted', async () => {
    const { kvi, store } = bench.open();
    store.intercept('watch', () => Promise.reject(new UnavailableError('down')));
    await kvi.tempKey('member');
    for (let i = 0; i < 5; i++) await kvi.store('other', String(i));
    bench.database.compact((await kvi.snapshot('other')).revision);
    store.intercept('watch', undefined);
    await bench.clock.advance(1000);
    expect(bench.logger.at('warn')).toEqual([]);
    await bench.foreign.leaseRevoke(await leaseOf('member'));
    await bench.clock.advance(1000);
    expect(await bench.keys()).toEqual(['member', 'other']);
  });

  it('is given up when its watch broke and another wrote it, as far as can still be told', async () => {
    const { kvi, store } = bench.open();
    store.intercept('watch', () => Promise.reject(new UnavailableError('down')));
    await kvi.tempKey('member');
    await bench.foreign.txn({ success: [{ type: 'put', key: 'member', value: 'of another' }] });
    await kvi.store('other', '1');
    bench.database.compact((await kvi.snapshot('other')).revision);
    store.intercept('watch', undefined);
    await bench.clock.advance(1000);
    expect(bench.logger.at('warn')).toEqual([expect.stringMatching(/'member'.*another/)]);
  });

  it('does not come back when it was deleted after what its broken watch had heard, and the rest is compacted', async () => {
    const { kvi, store } = bench.open();
    await kvi.store('other', '1');
    const heard = (): Promise<number> => kvi.snapshot('other').then(({ revision }) => revision);
    store.intercept('watch', async () => {
      let calls = 0;
      const next = async (): Promise<unknown> => {
        if (calls++ === 0) return { revision: await heard(), events: [] };
        throw new UnavailableError('cut');
      };
      return { next, cancel: () => {}, requestProgress: () => {} } as never;
    });
    await kvi.tempKey('member');
    for (let i = 0; i < 5; i++) await kvi.store('other', String(i));
    await bench.clock.advance(500);
    bench.database.compact(await heard());
    store.intercept('watch', undefined);
    await kvi.delete('member');
    await bench.clock.advance(1000);
    expect(await bench.keys()).toEqual(['other']);
    expect(bench.logger.at('warn')).toEqual([expect.stringMatching(/'member'.*deleted/)]);
  });

  it('does not come back after a delete, because of a healing that had begun before', async () => {
    const { kvi, store } = bench.open();
    await kvi.tempKey('member');
    await bench.clock.advance(0);
    const [asked, answer] = [gate(), gate()];
    store.intercept('range', async (proceed) => {
      asked.open();
      await answer.opened;
      return proceed();
    });
    await bench.foreign.leaseRevoke(await leaseOf('member'));
    await asked.opened;
    await kvi.tempKey('member');
    await kvi.delete('member');
    store.intercept('range', undefined);
    answer.open();
    await bench.clock.advance(1000);
    expect(await bench.keys()).toEqual([]);
  });

  it('is kept on when the answer to its healing was lost', async () => {
    const { kvi, store } = bench.open();
    await kvi.tempKey('member');
    store.intercept('txn', async (proceed) => {
      await proceed();
      store.intercept('txn', undefined);
      throw new OutcomeUnknownError('the answer was lost');
    });
    for (let i = 0; i < 2; i++) {
      await bench.foreign.leaseRevoke(await leaseOf('member'));
      await bench.clock.advance(1000);
      expect(await bench.keys()).toEqual(['member']);
    }
    expect(bench.logger.at('warn')).toEqual([]);
  });

  it('that was to be taken again, but was not, is kept as before', async () => {
    const { kvi, store } = bench.open();
    await kvi.tempKey('member');
    store.intercept('txn', () => Promise.reject(new UnavailableError('down')));
    await expect(kvi.tempKey('member')).rejects.toBeInstanceOf(UnavailableError);
    store.intercept('txn', undefined);
    await bench.foreign.leaseRevoke(await leaseOf('member'));
    await bench.clock.advance(1000);
    expect(await bench.keys()).toEqual(['member']);
  });

  it('that was taken again without an answer is gone after close, also when the lease stays', async () => {
    const { kvi, store } = bench.open();
    await kvi.tempKey('member');
    store.intercept('txn', async (proceed) => {
      await proceed();
      throw new OutcomeUnknownError('the answer was lost');
    });
    await expect(kvi.tempKey('member')).rejects.toBeInstanceOf(OutcomeUnknownError);
    store.intercept('txn', undefined);
    await bench.clock.advance(0);
    await kvi.withLock('tick', { minHoldSec: 60 }, async () => {});
    await kvi.close();
    expect(await bench.keys()).toEqual([expect.stringMatching(/^tick\//)]);
  });

  it.each(['txn', 'leaseGrant'] as const)(
    'is not put after close by a call whose %s was under way',
    async (verb) => {
      const { kvi, store } = bench.open();
      let proceedNow = (): void => {};
      store.intercept(verb, async (proceed) => {
        await new Promise<void>((resolve) => {
          proceedNow = resolve;
        });
        store.intercept(verb, undefined);
        return proceed();
      });
      const owned = kvi.tempKey('member').catch((error: unknown) => error);
      await bench.clock.advance(0);
      store.intercept('leaseRevoke', async (proceed) => {
        const answer = await proceed();
        proceedNow();
        await bench.clock.advance(0);
        return answer;
      });
      const closed = kvi.close();
      if (verb === 'leaseGrant') proceedNow();
      await closed;
      // The put may have come before the end of the lease; the key must not have come after it.
      expect([undefined, ClosedError]).toContain(((await owned) as Error | undefined)?.constructor);
      expect(await bench.keys()).toEqual([]);
      expect(bench.clock.timerCount()).toBe(0);
    },
  );

  it('does not come back when close takes it away', async () => {
    const { kvi, store } = bench.open();
    await kvi.tempKey('member');
    await bench.clock.advance(0);
    store.intercept('range', async (proceed) => {
      const closed = kvi.close();
      const answer = await proceed();
      store.intercept('leaseRevoke', async (revoke) => {
        const revoked = await revoke();
        await bench.clock.advance(0);
        return revoked;
      });
      void closed;
      return answer;
    });
    await bench.foreign.leaseRevoke(await leaseOf('member'));
    await bench.clock.advance(0);
    await kvi.close();
    expect(await bench.keys()).toEqual([]);
    expect(bench.clock.timerCount()).toBe(0);
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
