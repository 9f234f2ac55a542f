import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  LeaseNotFoundError,
  OutcomeUnknownError,
  PermissionDeniedError,
  UnavailableError,
} from '../../lib/store/errors.js';
import type { TxnRequest, Watch, WatchRequest } from '../../lib/store/store.js';
import type { HeldLock } from '../../lib/kvi/kvi.js';
import { rejectionOf } from '../contract/backend.js';
import { BreakableWatches } from '../support/breakable-watches.js';
import type { InterceptedStore, Interceptor } from '../support/intercepted-store.js';
import { Workbench } from '../support/workbench.js';

/** The same watch, a few promises later, as when a server tells of it last. */
function tellingLater(watch: Watch): Watch {
  return {
    async next() {
      const response = await watch.next();
      for (let promises = 0; promises < 50; promises++) await Promise.resolve();
      return response;
    },
    requestProgress: () => watch.requestProgress(),
    cutOffMs: undefined,
    cancel: () => watch.cancel(),
  };
}

const down = (): Promise<never> => Promise.reject(new UnavailableError('down'));

describe('the lock queue', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.dispose());

  /** What was set in motion takes some turns of the event loop, as what is urgent goes first. */
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await bench.clock.advance(0);
  }

  it('acquires an uncontended lock in one call, and releases it in one', async () => {
    const { kvi, store } = bench.open();
    await (await kvi.lock('warm-up')).release();
    const before = store.countOf('txn') + store.countOf('range');
    const lock = await kvi.lock('jobs');
    expect(store.countOf('txn') + store.countOf('range') - before).toBe(1);
    await lock.release();
    expect(store.countOf('txn') + store.countOf('range') - before).toBe(2);
  });

  it('tries in one call', async () => {
    const [holder, other] = [bench.open(), bench.open()];
    await holder.kvi.lock('jobs');
    await other.kvi.lock('warm-up');
    const before = other.store.countOf('txn') + other.store.countOf('range');
    await expect(other.kvi.lock('jobs', { timeoutSec: 0 })).rejects.toThrow('first try');
    expect(other.store.countOf('txn') + other.store.countOf('range') - before).toBe(1);
  });

  it('wakes two of 200 waiters with a release: one has the lock, the other looks for whom it waits', async () => {
    const holder = await bench.open().kvi.lock('jobs');
    const waiters = Array.from({ length: 200 }, () => bench.open());
    const granted: HeldLock[] = [];
    for (const { kvi } of waiters) {
      kvi.lock('jobs').then(
        (lock) => granted.push(lock),
        () => {},
      );
    }
    await bench.clock.advance(0);
    const looks = (): number => waiters.reduce((sum, { store }) => sum + store.countOf('range'), 0);
    const before = looks();
    await holder.release();
    await settle();
    expect(granted).toHaveLength(1);
    expect(looks() - before).toBe(1);
  });

  it('grants a lock to the next without another look', async () => {
    const [holder, next] = [bench.open(), bench.open()];
    const held = await holder.kvi.lock('jobs');
    const granted = next.kvi.lock('jobs');
    await bench.clock.advance(0);
    const before = next.store.countOf('range');
    await held.release();
    expect(await bench.keys()).toEqual([(await granted).key]);
    expect(next.store.countOf('range')).toBe(before);
  });

  it('looks again when no watch has told that the one before has gone', async () => {
    const [holder, next] = [bench.open(), bench.open()];
    const held = await holder.kvi.lock('jobs');
    const watches = new BreakableWatches(next.store);
    const granted = next.kvi.lock('jobs');
    await bench.clock.advance(0);
    const looks = (): number =>
      next.store.calls.filter(({ verb, request }) => verb === 'range' && 'rangeEnd' in (request as object))
        .length;
    const before = looks();
    watches.cut();
    await held.release();
    await bench.clock.advance(500);
    expect((await granted).isHeld).toBe(true);
    expect(looks()).toBe(before + 1);
  });

  it('looks again when an older key that was no place may have become one', async () => {
    const [holder, next] = [bench.open(), bench.open()];
    const place = { type: 'put', key: 'jobs/ab-1', value: '' } as const;
    await bench.foreign.txn({ success: [place] });
    const held = await holder.kvi.lock('jobs');
    let isGranted = false;
    next.kvi.lock('jobs').then(
      () => (isGranted = true),
      () => {},
    );
    await bench.clock.advance(0);
    const { id: lease } = await bench.foreign.leaseGrant(60);
    await bench.foreign.txn({ success: [{ ...place, lease }] });
    await held.release();
    await settle();
    expect(isGranted).toBe(false);
    await bench.foreign.leaseRevoke(lease);
    await settle();
    expect(isGranted).toBe(true);
  });

  it.each([[[0, 1]], [[1, 0]]])(
    'starts again when its own key goes in one revision with the one before (%j)',
    async (order) => {
      const [holder, next] = [bench.open(), bench.open()];
      await holder.kvi.lock('jobs');
      const granted = next.kvi.lock('jobs');
      await bench.clock.advance(0);
      const keys = await bench.keys();
      await bench.foreign.txn({ success: order.map((at) => ({ type: 'delete', key: keys[at]! }) as const) });
      const lock = await granted;
      lock.assertHeld();
      expect(await bench.keys()).toEqual([lock.key]);
      expect(keys).not.toContain(lock.key);
    },
  );

  it('starts again when its own key goes with the one before, and the watch of that tells first', async () => {
    const [holder, next] = [bench.open(), bench.open()];
    const { key } = await holder.kvi.lock('jobs');
    next.store.intercept('watch', async <T>(proceed: () => Promise<T>, request: unknown): Promise<T> => {
      const watch = (await proceed()) as Watch;
      return (request as WatchRequest).key === key ? (watch as T) : (tellingLater(watch) as T);
    });
    const granted = next.kvi.lock('jobs');
    await settle();
    const keys = await bench.keys();
    await bench.foreign.txn({ success: keys.map((gone) => ({ type: 'delete', key: gone }) as const) });
    const lock = await granted;
    expect(await bench.keys()).toEqual([lock.key]);
    expect(keys).not.toContain(lock.key);
  });

  it('keeps the watch of the one before while the queue moves', async () => {
    const [first, second, third] = [bench.open(), bench.open(), bench.open()];
    const held = await first.kvi.lock('jobs');
    const next = second.kvi.lock('jobs');
    await settle();
    const last = third.kvi.lock('jobs');
    await settle();
    const before = third.store.countOf('watch');
    expect(before).toBe(3);
    await held.release();
    const nextHeld = await next;
    await settle();
    await nextHeld.release();
    expect((await last).isHeld).toBe(true);
    expect(third.store.countOf('watch')).toBe(before);
  });

  it('watches the key of a lock that is not released at once', async () => {
    const { kvi, store } = bench.open();
    await (await kvi.lock('jobs')).release();
    await bench.clock.advance(0);
    expect(store.countOf('watch')).toBe(0);
    await kvi.lock('jobs');
    await bench.clock.advance(0);
    expect(store.countOf('watch')).toBe(1);
  });

  it('leaves no key behind when the answer to its put is lost', async () => {
    const { kvi, store } = bench.open();
    await (await kvi.lock('warm-up')).release();
    store.intercept('txn', async (proceed) => {
      store.intercept('txn', undefined);
      await proceed();
      throw new OutcomeUnknownError('the answer was lost');
    });
    await expect(kvi.lock('jobs')).rejects.toBeInstanceOf(UnavailableError);
    expect(await bench.keys()).toEqual([]);
    expect((await kvi.lock('jobs', { timeoutSec: 0 })).isHeld).toBe(true);
  });

  describe('whose answer is lost while its request is still on its way', () => {
    /** Loses the answer to the next txn, and answers how to let its request arrive. */
    function delayRequest(store: InterceptedStore, then?: Interceptor): () => Promise<unknown> {
      let arrive = (): Promise<unknown> => Promise.reject(new Error('Nothing was sent.'));
      store.intercept('txn', (proceed) => {
        store.intercept('txn', then);
        arrive = proceed;
        return Promise.reject(new OutcomeUnknownError('the answer was lost'));
      });
      return () => arrive();
    }

    it.each([undefined, 0])('creates no key when it arrives (timeoutSec %s)', async (timeoutSec) => {
      const { kvi, store } = bench.open();
      await (await kvi.lock('warm-up')).release();
      const arrive = delayRequest(store);
      await expect(kvi.lock('jobs', { timeoutSec })).rejects.toThrow(
        /'jobs' was not acquired: .*answer was lost/,
      );
      await arrive();
      expect(await bench.keys()).toEqual([]);
      expect((await kvi.lock('jobs', { timeoutSec: 0 })).isHeld).toBe(true);
    });

    it('creates no key when its end was told only by a later try', async () => {
      const { kvi, store } = bench.open();
      await (await kvi.lock('warm-up')).release();
      const arrive = delayRequest(store, down);
      const locked = kvi.lock('jobs');
      locked.catch(() => {});
      await bench.clock.advance(2000);
      await expect(locked).rejects.toBeInstanceOf(UnavailableError);
      store.intercept('txn', undefined);
      await bench.clock.advance(500);
      await arrive();
      expect(await bench.keys()).toEqual([]);
    });

    it('ends the session, where the user has no rights for tombstones', async () => {
      const { kvi, store } = bench.open();
      store.intercept('txn', (proceed, request) =>
        JSON.stringify(request).includes('/dead/')
          ? Promise.reject(new PermissionDeniedError('no rights'))
          : proceed(),
      );
      const other = await kvi.lock('other');
      expect(bench.logger.at('warn')).toEqual([expect.stringContaining('Grant read and write there')]);
      const arrive = delayRequest(store);
      await expect(kvi.lock('jobs')).rejects.toBeInstanceOf(UnavailableError);
      expect(() => other.assertHeld()).toThrow(/the answer to a lock call was lost/);
      await expect(arrive()).rejects.toBeInstanceOf(LeaseNotFoundError);
      expect(await bench.keys()).toEqual([]);
      expect((await kvi.lock('jobs', { timeoutSec: 0 })).isHeld).toBe(true);
    });

    it('ends the session, where the user may read but not put tombstones', async () => {
      const { kvi, store } = bench.open();
      await (await kvi.lock('warm-up')).release();
      const arrive = delayRequest(store, (proceed, request) =>
        JSON.stringify((request as TxnRequest).success).includes('/dead/')
          ? Promise.reject(new PermissionDeniedError('no rights'))
          : proceed(),
      );
      await expect(kvi.lock('jobs')).rejects.toBeInstanceOf(UnavailableError);
      await expect(arrive()).rejects.toBeInstanceOf(LeaseNotFoundError);
      expect((await kvi.lock('jobs', { timeoutSec: 0 })).isHeld).toBe(true);
    });
  });

  it.each(['its time is up', 'its signal aborts'])(
    'gives up when %s, though the store does not answer, and leaves no key',
    async (reason) => {
      const { kvi, store } = bench.open();
      await (await kvi.lock('warm-up')).release();
      let answer = (): void => {};
      store.intercept('txn', async (proceed) => {
        store.intercept('txn', undefined);
        const response = await proceed();
        await new Promise<void>((resolve) => (answer = resolve));
        return response;
      });
      const stop = new AbortController();
      const ended = rejectionOf(kvi.lock('jobs', { timeoutSec: 1, signal: stop.signal }));
      await bench.clock.advance(0);
      if (reason === 'its signal aborts') stop.abort();
      else await bench.clock.advance(1000);
      await bench.clock.advance(250);
      await ended;
      answer();
      await bench.clock.advance(0);
      expect(await bench.keys()).toEqual([]);
    },
  );

  it('leaves no key behind when the store fails while it waits', async () => {
    const [holder, waiter] = [bench.open(), bench.open()];
    const lock = await holder.kvi.lock('jobs');
    waiter.store.intercept('range', () => Promise.reject(new UnavailableError('down')));
    await expect(waiter.kvi.lock('jobs')).rejects.toBeInstanceOf(UnavailableError);
    expect(await bench.keys()).toEqual([lock.key]);
  });

  it('ends a wait at its time, for the longest and the shortest', async () => {
    const [holder, other] = [bench.open(), bench.open()];
    await holder.kvi.lock('jobs');
    const ends: [number, number][] = [];
    for (const timeoutSec of [0.001, 5, 86_400 * 60]) {
      other.kvi.lock('jobs', { timeoutSec }).catch(() => ends.push([timeoutSec, bench.clock.now()]));
    }
    await bench.clock.advance(0);
    await bench.clock.advance(6000);
    expect(ends).toEqual([
      [0.001, 1],
      [5, 5000],
    ]);
  });

  it('starts again as soon as its session counts as lost, while its key is still there', async () => {
    const [holder, waiter] = [bench.open(), bench.open()];
    await holder.kvi.lock('jobs');
    waiter.kvi.lock('jobs').catch(() => {});
    waiter.store.intercept('leaseKeepAlive', () => new Promise<never>(() => {}));
    await bench.clock.advance(8_999);
    expect(waiter.store.countOf('leaseGrant')).toBe(1);
    await bench.clock.advance(1);
    await settle();
    expect(waiter.store.countOf('leaseGrant')).toBe(2);
    expect(await bench.keys()).toHaveLength(2);
  });

  it('starts again when the answer to its put came after the end of its session', async () => {
    const { kvi, store } = bench.open();
    await (await kvi.lock('warm-up')).release();
    store.intercept('txn', async (proceed) => {
      store.intercept('txn', undefined);
      const answer = await proceed();
      bench.clock.skip(10_000);
      return answer;
    });
    const lock = await kvi.lock('jobs');
    lock.assertHeld();
    expect(store.countOf('leaseGrant')).toBe(2);
  });

  it('does not wait for a key that was put anew behind it while its watch was broken', async () => {
    const { kvi, store } = bench.open();
    const { id: lease } = await bench.foreign.leaseGrant(60);
    const before = { type: 'put', key: `jobs/${lease}`, value: '', lease } as const;
    await bench.foreign.txn({ success: [before] });
    store.intercept('watch', () => Promise.reject(new UnavailableError('down')));
    const granted = kvi.lock('jobs');
    await bench.clock.advance(0);
    await bench.foreign.txn({ success: [{ type: 'delete', key: before.key }] });
    await bench.foreign.txn({ success: [before] });
    store.intercept('watch', undefined);
    await bench.clock.advance(1000);
    expect((await granted).isHeld).toBe(true);
  });

  it('starts again when the session is lost just before the grant', async () => {
    const [holder, waiter] = [bench.open(), bench.open()];
    const held = await holder.kvi.lock('jobs');
    const granted = waiter.kvi.lock('jobs');
    await bench.clock.advance(0);
    waiter.store.intercept('leaseKeepAlive', () => new Promise<never>(() => {}));
    await bench.clock.advance(9500);
    waiter.store.intercept('leaseKeepAlive', undefined);
    await held.release();
    const lock = await granted;
    lock.assertHeld();
    expect(waiter.store.countOf('leaseGrant')).toBe(2);
  });
});
