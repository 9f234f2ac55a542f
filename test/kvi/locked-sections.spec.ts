import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LockLostError, LockTimeoutError } from '../../lib/kvi/errors.js';
import { currentLock } from '../../lib/kvi/lock-context.js';
import { ClosedError, UnavailableError } from '../../lib/store/errors.js';
import { gate, rejectionOf } from '../contract/backend.js';
import { Workbench } from '../support/workbench.js';

async function microtasks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

/** Whatever is raced against something else is raced at each of these distances, in microtasks. */
const DISTANCES = Array.from({ length: 40 }, (_, i) => i);

describe('locked sections', () => {
  it('are one at a time in the process, also when one gives up just as the turn is handed back', async () => {
    for (const distance of DISTANCES) {
      for (const lag of [3, 4, 5, 6, 7]) {
        expect(await askedTheStoreBeside(distance, lag)).toBe(0);
      }
    }
  });

  /**
   * A first section ends while a second gives up and a third comes.
   *
   * @returns how often a fourth, which tries once while the third runs, asks the store
   */
  async function askedTheStoreBeside(distance: number, lag: number): Promise<number> {
    const bench = new Workbench();
    const { kvi, store } = bench.open();
    const [entered, leave, inside, done] = [gate(), gate(), gate(), gate()];
    const runs = [kvi.withLock('jobs', {}, () => (entered.open(), leave.opened))];
    await entered.opened;
    const controller = new AbortController();
    runs.push(kvi.withLock('jobs', { signal: controller.signal }, async () => {}).catch(() => {}));
    // Begun in this order, they come in this order within each round of microtasks.
    leave.open();
    const third = (): Promise<void> => kvi.withLock('jobs', {}, () => (inside.open(), done.opened));
    runs.push(microtasks(distance + lag).then(third));
    void microtasks(distance).then(() => controller.abort(new Error('enough')));
    await inside.opened;
    const before = store.countOf('txn');
    await expect(kvi.withLock('jobs', { timeoutSec: 0 }, async () => {})).rejects.toBeInstanceOf(
      LockTimeoutError,
    );
    const asked = store.countOf('txn') - before;
    done.open();
    await Promise.all(runs);
    await kvi.close();
    return asked;
  }

  it('end with ClosedError, not run or half run, when close comes on the heels of the grant', async () => {
    for (const distance of DISTANCES) {
      const bench = new Workbench();
      const { kvi, store } = bench.open();
      await (await kvi.lock('warm-up')).release();
      const granted = gate();
      store.intercept('txn', async (proceed) => {
        const answer = await proceed();
        granted.open();
        return answer;
      });
      let signalInside: AbortSignal | undefined;
      const outcome = kvi
        .withLock('jobs', {}, async (lock) => {
          signalInside = lock.signal;
          await bench.clock.advance(0);
          return lock.isHeld;
        })
        .catch((error: unknown) => error);
      await granted.opened;
      await microtasks(distance);
      await kvi.close();
      const result = await outcome;
      // Either it had begun and was waited for, or it never ran.
      expect(signalInside === undefined ? (result as Error).constructor : result).toBe(
        signalInside === undefined ? ClosedError : true,
      );
      expect(bench.logger.at('warn')).toEqual([]);
    }
  });
});

describe('a locked section with minHoldSec', () => {
  const ONE_TRY = { timeoutSec: 0 };
  const ran = async (): Promise<string> => 'ran';
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.dispose());

  it.each([
    ['a result', async () => {}],
    ['an error', () => Promise.reject(new Error('of the function'))],
  ])('keeps its key for that time, counted from the grant, after %s', async (_what, fn) => {
    const { kvi } = bench.open();
    const call = kvi.withLock('jobs', { minHoldSec: 3 }, async () => {
      await bench.clock.advance(2000);
      return fn();
    });
    await call.catch(() => {});
    expect(currentLock()).toBeUndefined();
    await bench.clock.advance(999);
    expect(await bench.keys()).toHaveLength(1);
    await bench.clock.advance(1);
    expect(await bench.keys()).toEqual([]);
    expect(bench.logger.at('error')).toEqual([]);
  });

  it('gives its key back at its end when that comes later', async () => {
    const { kvi } = bench.open();
    await kvi.withLock('jobs', { minHoldSec: 3 }, () => bench.clock.advance(3000));
    expect(await bench.keys()).toEqual([]);
  });

  it('keeps its turn in the process, in which others wait, try or give up', async () => {
    const { kvi, store } = bench.open();
    await kvi.withLock('jobs', { minHoldSec: 3 }, async () => {});
    const asked = store.countOf('txn');
    await expect(kvi.withLock('jobs', ONE_TRY, ran)).rejects.toBeInstanceOf(LockTimeoutError);
    const impatient = rejectionOf(kvi.withLock('jobs', { timeoutSec: 1 }, ran));
    const patient = kvi.withLock('jobs', {}, ran);
    await bench.clock.advance(2999);
    expect(await impatient).toBeInstanceOf(LockTimeoutError);
    expect(store.countOf('txn')).toBe(asked);
    await bench.clock.advance(1);
    expect(await patient).toBe('ran');
    expect(await kvi.withLock('jobs', ONE_TRY, ran)).toBe('ran');
  });

  it('keeps no process alive once it has ended', async () => {
    const { kvi } = bench.open();
    await kvi.withLock('jobs', { minHoldSec: 3 }, async () => {});
    expect(bench.clock.timerCount({ background: false })).toBe(0);
  });

  it('is not lost to maxHoldSec after its end', async () => {
    const { kvi } = bench.open();
    await kvi.withLock('jobs', { minHoldSec: 3, maxHoldSec: 3 }, async () => {});
    await bench.clock.advance(2999);
    expect(await bench.keys()).toHaveLength(1);
    await bench.clock.advance(1);
    expect(await bench.keys()).toEqual([]);
    expect(bench.logger.at('error')).toEqual([]);
  });

  it('hands its turn on when the lock is lost after its end, and once', async () => {
    const { kvi } = bench.open();
    const key = await kvi.withLock('jobs', { minHoldSec: 3 }, async (lock) => lock.key);
    const [entered, leave] = [gate(), gate()];
    const next = kvi.withLock('jobs', {}, () => (entered.open(), leave.opened));
    await bench.foreign.txn({ success: [{ type: 'delete', key }] });
    await entered.opened;
    expect(bench.logger.at('error')).toEqual([expect.stringMatching(/'jobs' was lost: its key was removed/)]);
    await bench.clock.advance(3000);
    await expect(kvi.withLock('jobs', ONE_TRY, ran)).rejects.toBeInstanceOf(LockTimeoutError);
    leave.open();
    await next;
  });

  it('keeps nothing of a lock that the function gave back itself', async () => {
    const { kvi } = bench.open();
    const call = kvi.withLock('jobs', { minHoldSec: 3 }, (lock) => lock.release());
    await expect(call).rejects.toBeInstanceOf(LockLostError);
    expect(await kvi.withLock('jobs', ONE_TRY, ran)).toBe('ran');
  });

  it('hands its turn on, and says so, when its key cannot be deleted; that is tried again', async () => {
    const { kvi, store } = bench.open();
    await kvi.withLock('jobs', { minHoldSec: 3 }, async () => {});
    store.intercept('txn', () => Promise.reject(new UnavailableError('down')));
    await bench.clock.advance(3000);
    store.intercept('txn', undefined);
    expect(bench.logger.at('error')).toEqual([expect.stringMatching(/'jobs' could not be released: down/)]);
    const next = kvi.withLock('jobs', {}, ran);
    await bench.clock.advance(500);
    expect(await next).toBe('ran');
  });

  it('is left to its lease by close, which waits for nothing', async () => {
    const { kvi } = bench.open({ sessionTtlSec: 10 });
    const key = await kvi.withLock('jobs', { minHoldSec: 3 }, async (lock) => lock.key);
    await kvi.close();
    await bench.clock.advance(5000);
    expect(await bench.keys()).toEqual([key]);
    await bench.clock.advance(5000);
    expect(await bench.keys()).toEqual([]);
    expect([...bench.logger.at('warn'), ...bench.logger.at('error')]).toEqual([]);
    expect(bench.clock.timerCount()).toBe(0);
  });

  it('gives its key back, and leaves the lease to be ended, when its time comes while close waits for another', async () => {
    const { kvi, store } = bench.open();
    const [entered, leave] = [gate(), gate()];
    const other = kvi.withLock('other', {}, () => (entered.open(), leave.opened));
    await entered.opened;
    await kvi.withLock('jobs', { minHoldSec: 3 }, async () => {});
    const closed = kvi.close();
    await bench.clock.advance(3000);
    expect(await bench.keys()).toEqual([expect.stringMatching(/^other\//)]);
    leave.open();
    await Promise.all([other, closed]);
    expect(await bench.keys()).toEqual([]);
    expect(store.countOf('leaseRevoke')).toBe(1);
  });
});
