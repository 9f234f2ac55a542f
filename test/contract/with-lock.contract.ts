import { describe, expect, it } from '@jest/globals';
import { LockLostError, LockTimeoutError } from '../../lib/kvi/errors.js';
import { currentLock } from '../../lib/kvi/lock-context.js';
import { aborted, type Fixture, gate } from './backend.js';

export function withLockContract(fixture: Fixture): void {
  it('answers what the function answered, and frees the lock', async () => {
    const kvi = await fixture.open();
    const result = { some: 'result' };
    const answer = await kvi.withLock('jobs', {}, async (lock) => {
      expect(lock).toMatchObject({ name: 'jobs', isHeld: true });
      expect(await fixture.queue('jobs')).toHaveLength(1);
      return result;
    });
    expect(answer).toBe(result);
    expect(await fixture.queue('jobs')).toEqual([]);
  });

  it("rejects with the function's own error object, thrown or rejected, and frees the lock", async () => {
    const kvi = await fixture.open();
    const error = new Error('of the function');
    await expect(kvi.withLock('jobs', {}, () => Promise.reject(error))).rejects.toBe(error);
    const throwing = (): Promise<void> => {
      throw error;
    };
    await expect(kvi.withLock('jobs', {}, throwing)).rejects.toBe(error);
    expect(await fixture.queue('jobs')).toEqual([]);
  });

  it('excludes over handles and inside one, in call order', async () => {
    const handles = await fixture.openSeveral(3);
    let inside = 0;
    const order: Record<number, number[]> = { 0: [], 1: [], 2: [] };
    await Promise.all(
      handles.flatMap((kvi, h) =>
        Array.from({ length: 20 }, (_, i) =>
          kvi.withLock('jobs', {}, async () => {
            expect(++inside).toBe(1);
            order[h]!.push(i);
            await kvi.get('anything');
            inside--;
          }),
        ),
      ),
    );
    const inCallOrder = Array.from({ length: 20 }, (_, i) => i);
    expect(order).toEqual({ 0: inCallOrder, 1: inCallOrder, 2: inCallOrder });
  });

  it('lets only one call of a handle ask the store at a time', async () => {
    const [one, two] = await fixture.openSeveral(2);
    const holder = await one!.lock('jobs');
    const calls = [1, 2, 3].map(() => two!.withLock('jobs', {}, async () => fixture.queue('jobs')));
    await fixture.queueOf('jobs', 2);
    await holder.release();
    for (const queue of await Promise.all(calls)) expect(queue).toHaveLength(1);
  });

  describe('its time', () => {
    it('covers the wait inside the process', async () => {
      const kvi = await fixture.open();
      const [entered, leave] = [gate(), gate()];
      const first = kvi.withLock('jobs', {}, async () => {
        entered.open();
        await leave.opened;
      });
      await entered.opened;
      const fn = async (): Promise<string> => 'ran';
      await expect(kvi.withLock('jobs', { timeoutSec: 0 }, fn)).rejects.toBeInstanceOf(LockTimeoutError);
      await expect(kvi.withLock('jobs', { timeoutSec: 0.03 }, fn)).rejects.toBeInstanceOf(LockTimeoutError);
      leave.open();
      await first;
      expect(await kvi.withLock('jobs', { timeoutSec: 0 }, fn)).toBe('ran');
    });

    it('covers the wait in the store', async () => {
      const [one, two] = await fixture.openSeveral(2);
      await one!.lock('jobs');
      const calls = [0.03, 0.03].map((timeoutSec) =>
        two!.withLock('jobs', { timeoutSec }, async () => 'ran').catch((error: unknown) => error),
      );
      for (const error of await Promise.all(calls)) expect(error).toBeInstanceOf(LockTimeoutError);
      await fixture.queueOf('jobs', 1);
    });

    it('given up in the process hands the turn on', async () => {
      const kvi = await fixture.open();
      const [entered, leave] = [gate(), gate()];
      const first = kvi.withLock('jobs', {}, async () => {
        entered.open();
        await leave.opened;
      });
      await entered.opened;
      const controller = new AbortController();
      const second = kvi.withLock('jobs', { signal: controller.signal }, async () => {});
      const third = kvi.withLock('jobs', {}, async () => 'third');
      controller.abort(new Error('enough'));
      await expect(second).rejects.toThrow('enough');
      leave.open();
      await first;
      expect(await third).toBe('third');
    });
  });

  describe('a nested call', () => {
    it('on the same lock passes through', async () => {
      const kvi = await fixture.open();
      await kvi.withLock('jobs', {}, async (outer) => {
        const inner = await kvi.withLock('jobs', { timeoutSec: 0 }, async (lock) => lock);
        expect(inner).toBe(outer);
        expect(outer.isHeld).toBe(true);
        expect(await fixture.queue('jobs')).toHaveLength(1);
      });
    });

    it('on the same name of another handle does not', async () => {
      const [one, two] = await fixture.openSeveral(2);
      await one!.withLock('jobs', {}, async () => {
        await expect(two!.withLock('jobs', { timeoutSec: 0 }, async () => {})).rejects.toBeInstanceOf(
          LockTimeoutError,
        );
      });
    });

    it('on another lock takes it too', async () => {
      const kvi = await fixture.open();
      await kvi.withLock('outer', {}, () =>
        kvi.withLock('inner', {}, () =>
          kvi.withLock('outer', { timeoutSec: 0 }, async () => {
            expect(await fixture.queue('inner')).toHaveLength(1);
            expect(currentLock()?.name).toBe('outer');
          }),
        ),
      );
    });

    it('from a timer does not pass through once the function has returned', async () => {
      const kvi = await fixture.open();
      const [entered, leave] = [gate(), gate()];
      let late: Promise<unknown> | undefined;
      let lockInTimer: unknown = 'unset';
      const fired = gate();
      await kvi.withLock('jobs', {}, async () => {
        void leave.opened.then(() => {
          lockInTimer = currentLock();
          late = kvi.withLock('jobs', { timeoutSec: 0 }, async () => 'ran').catch((error: unknown) => error);
          fired.open();
        });
      });
      const other = kvi.withLock('jobs', {}, async () => {
        entered.open();
        await fired.opened;
        expect(await late).toBeInstanceOf(LockTimeoutError);
      });
      await entered.opened;
      leave.open();
      await other;
      expect(lockInTimer).toBeUndefined();
    });

    it('after the loss of the lock is refused instead of waiting for itself', async () => {
      const kvi = await fixture.open();
      const call = kvi.withLock('jobs', {}, async (lock) => {
        await fixture.revokeLeaseOf(lock.key);
        await aborted(lock.signal);
        expect(currentLock()).toBeUndefined();
        await expect(kvi.withLock('jobs', {}, async () => {})).rejects.toBeInstanceOf(LockLostError);
      });
      await expect(call).rejects.toBeInstanceOf(LockLostError);
    });
  });

  describe('loss', () => {
    it('rejects a function that succeeded, and lets its own error win', async () => {
      const kvi = await fixture.open();
      const lose = async (): Promise<void> => {
        const lock = currentLock()!;
        await fixture.revokeLeaseOf(lock.key);
        await aborted(lock.signal);
      };
      await expect(kvi.withLock('jobs', {}, lose)).rejects.toBeInstanceOf(LockLostError);
      const error = new Error('of the function');
      const call = kvi.withLock('jobs', {}, async () => {
        await lose();
        throw error;
      });
      await expect(call).rejects.toBe(error);
      expect(await kvi.withLock('jobs', { timeoutSec: 5 }, async () => 'again')).toBe('again');
    });

    it('by maxHoldSec aborts the signal while the function runs', async () => {
      const kvi = await fixture.open();
      const call = kvi.withLock('jobs', { maxHoldSec: 0.03 }, (lock) => aborted(lock.signal));
      await expect(call).rejects.toThrow(/maxHoldSec/);
    });
  });

  describe('minHoldSec', () => {
    const MIN_HOLD_SEC = 1;
    const options = { minHoldSec: MIN_HOLD_SEC };

    /** How long a waiting call of another handle takes to get the lock, after `fn` had it under minHoldSec. */
    async function untilAnotherHasIt(fn: () => Promise<void>): Promise<number> {
      const [one, two] = await fixture.openSeveral(2);
      const askedAt = performance.now();
      await one!.withLock('jobs', options, fn).catch(() => {});
      await expect(two!.withLock('jobs', { timeoutSec: 0 }, async () => {})).rejects.toBeInstanceOf(
        LockTimeoutError,
      );
      await expect(one!.withLock('jobs', { timeoutSec: 0 }, async () => {})).rejects.toBeInstanceOf(
        LockTimeoutError,
      );
      return two!.withLock('jobs', {}, async () => performance.now() - askedAt);
    }

    it('keeps the lock for that time for everybody, after a result and after an error', async () => {
      for (const fn of [async () => {}, () => Promise.reject(new Error('of the function'))]) {
        expect(await untilAnotherHasIt(fn)).toBeGreaterThanOrEqual(MIN_HOLD_SEC * 1000);
      }
    });

    it('answers the caller at once, outside the lock', async () => {
      const kvi = await fixture.open();
      let key = '';
      expect(
        await kvi.withLock('jobs', { minHoldSec: 60 }, async (lock) => {
          key = lock.key;
          return 'result';
        }),
      ).toBe('result');
      expect(currentLock()).toBeUndefined();
      const error = new Error('of the function');
      const call = kvi.withLock('others', { minHoldSec: 60 }, () => Promise.reject(error));
      await expect(call).rejects.toBe(error);
      expect(await fixture.queue('jobs')).toMatchObject([{ key }]);
      expect(await fixture.queue('others')).toHaveLength(1);
    });

    it('keeps nobody for longer than the function', async () => {
      const kvi = await fixture.open();
      const pastMinHold = new Promise<void>((resolve) => {
        setTimeout(resolve, 30);
      });
      await kvi.withLock('jobs', { minHoldSec: 0.001 }, () => pastMinHold);
      expect(await fixture.queue('jobs')).toEqual([]);
    });

    it('is over when the lock is lost', async () => {
      const kvi = await fixture.open();
      const key = await kvi.withLock('jobs', { minHoldSec: 60 }, async (lock) => lock.key);
      await fixture.revokeLeaseOf(key);
      expect(await kvi.withLock('jobs', { timeoutSec: 10 }, async () => 'again')).toBe('again');
    });
  });

  it('shows the innermost lock as currentLock, and none outside', async () => {
    const kvi = await fixture.open();
    expect(currentLock()).toBeUndefined();
    await kvi.withLock('a', {}, async (a) => {
      expect(currentLock()).toBe(a);
      await kvi.withLock('b', {}, async (b) => expect(currentLock()).toBe(b));
      expect(currentLock()).toBe(a);
    });
    expect(currentLock()).toBeUndefined();
  });
}
