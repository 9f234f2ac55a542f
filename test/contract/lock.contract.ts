import { describe, expect, it } from '@jest/globals';
import { LockLostError, LockTimeoutError } from '../../lib/kvi/errors.js';
import type { HeldLock, Kvi } from '../../lib/kvi/kvi.js';
import { ClosedError, InvalidArgumentError } from '../../lib/store/errors.js';
import { aborted, allKeys, type Fixture, rejectionOf } from './backend.js';

export function lockContract(fixture: Fixture): void {
  describe('a lock', () => {
    it('excludes another handle until it is released', async () => {
      const [one, two] = await fixture.openSeveral(2);
      const first = await one!.lock('jobs');
      await expect(two!.lock('jobs', { timeoutSec: 0 })).rejects.toBeInstanceOf(LockTimeoutError);
      await first.release();
      const second = await two!.lock('jobs', { timeoutSec: 0 });
      expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
    });

    it('excludes a second acquisition on the same handle', async () => {
      const kvi = await fixture.open();
      const first = await kvi.lock('jobs');
      const second = kvi.lock('jobs');
      await fixture.queueOf('jobs', 2);
      await first.release();
      expect((await second).fencingToken).toBeGreaterThan(first.fencingToken);
    });

    it('does not exclude another name', async () => {
      const [one, two] = await fixture.openSeveral(2);
      await one!.lock('jobs');
      expect((await two!.lock('other', { timeoutSec: 0 })).isHeld).toBe(true);
    });

    it("has the original's name by default, and another where the options say so", async () => {
      const kvi = await fixture.open();
      expect((await kvi.lock()).name).toBe('hbtd_dist_lock');
      const other = await fixture.open({ lockName: 'mine' });
      expect((await other.lock(undefined, { timeoutSec: 0 })).name).toBe('mine');
    });

    it('stands in the store as NAME/<lease in hex>-<n>, leased, with the fencing token as its create revision', async () => {
      const kvi = await fixture.open();
      const lock = await kvi.lock('jobs');
      const [record] = await fixture.queue('jobs');
      expect(lock.key).toMatch(/^jobs\/[0-9a-f]+-[0-9]+$/);
      expect(record).toMatchObject({ key: lock.key, createRevision: lock.fencingToken });
      expect(lock.key).toBe(`jobs/${record!.lease}-${lock.key.split('-')[1]}`);
      expect(JSON.parse(record!.value)).toMatchObject({ pid: process.pid });
    });

    it('is held, then released, and tells both', async () => {
      const kvi = await fixture.open();
      const lock = await kvi.lock('jobs');
      expect(lock.isHeld).toBe(true);
      lock.assertHeld();
      await lock.release();
      expect(lock.isHeld).toBe(false);
      expect(() => lock.assertHeld()).toThrow(LockLostError);
      expect(lock.signal.aborted).toBe(false);
      await lock.release();
      expect(await fixture.queue('jobs')).toEqual([]);
    });

    it('is released at the end of its block by await using', async () => {
      const kvi = await fixture.open();
      {
        await using lock = await kvi.lock('jobs');
        expect(lock.isHeld).toBe(true);
      }
      expect(await fixture.queue('jobs')).toEqual([]);
    });
  });

  describe('waiting', () => {
    it('is first come, first served, over handles', async () => {
      const handles = await fixture.openSeveral(10);
      const holder = await handles[0]!.lock('jobs');
      const order: number[] = [];
      const waiters = handles.map(async (kvi, i) => {
        const lock = await kvi.lock('jobs');
        order.push(i);
        await lock.release();
      });
      const queue = await fixture.queueOf('jobs', 11);
      await holder.release();
      await Promise.all(waiters);
      expect(order).toHaveLength(10);
      const joined = queue.slice(1).map(({ createRevision }) => createRevision);
      expect(joined).toEqual(joined.toSorted((a, b) => a - b));
      expect(await fixture.queue('jobs')).toEqual([]);
    });

    it('grants in the order of the queue', async () => {
      const handles = await fixture.openSeveral(5);
      const holder = await handles[0]!.lock('jobs');
      const granted: HeldLock[] = [];
      const waiters: Promise<void>[] = [];
      for (const [i, kvi] of handles.entries()) {
        waiters.push(
          kvi.lock('jobs').then(async (lock) => {
            granted.push(lock);
            await lock.release();
          }),
        );
        await fixture.queueOf('jobs', i + 2);
      }
      const queued = (await fixture.queue('jobs')).slice(1).map(({ key }) => key);
      await holder.release();
      await Promise.all(waiters);
      expect(granted.map(({ key }) => key)).toEqual(queued);
    });

    it('ends at its time with LockTimeoutError, and leaves no key', async () => {
      const [one, two] = await fixture.openSeveral(2);
      const holder = await one!.lock('jobs');
      await expect(two!.lock('jobs', { timeoutSec: 0.05 })).rejects.toThrow(/'jobs'.*0\.05 s/);
      await fixture.queueOf('jobs', 1);
      expect((await fixture.queue('jobs')).map(({ key }) => key)).toEqual([holder.key]);
    });

    it('of no time is one try, that never stands in the queue', async () => {
      const [one, two] = await fixture.openSeveral(2);
      const holder = await one!.lock('jobs');
      const watch = await fixture.foreign.watch({
        key: 'jobs/',
        rangeEnd: 'jobs0',
        afterRevision: holder.fencingToken,
      });
      await expect(two!.lock('jobs', { timeoutSec: 0 })).rejects.toBeInstanceOf(LockTimeoutError);
      await holder.release();
      const first = await watch.next();
      expect(first!.events.map(({ type, kv }) => [type, kv.key])).toEqual([['delete', holder.key]]);
      watch.cancel();
    });

    it("ends with the signal's reason, and leaves no key", async () => {
      const [one, two] = await fixture.openSeveral(2);
      await one!.lock('jobs');
      const [controller, reason] = [new AbortController(), new Error('enough')];
      const waiter = two!.lock('jobs', { signal: controller.signal });
      await fixture.queueOf('jobs', 2);
      controller.abort(reason);
      await expect(waiter).rejects.toBe(reason);
      await fixture.queueOf('jobs', 1);
      await expect(two!.lock('free', { signal: controller.signal })).rejects.toBe(reason);
      expect(await fixture.queue('free')).toEqual([]);
    });

    it('ends with ClosedError when its handle closes, and leaves no key', async () => {
      const [one, two] = await fixture.openSeveral(2);
      await one!.lock('jobs');
      const waiter = two!.lock('jobs');
      const rejection = rejectionOf(waiter);
      await fixture.queueOf('jobs', 2);
      await two!.close();
      expect(await rejection).toBeInstanceOf(ClosedError);
      expect(await fixture.queue('jobs')).toHaveLength(1);
    });

    it('goes on when a waiter in the middle gives up', async () => {
      const [one, two, three] = (await fixture.openSeveral(3)) as [Kvi, Kvi, Kvi];
      const holder = await one.lock('jobs');
      const controller = new AbortController();
      const middle = two.lock('jobs', { signal: controller.signal });
      middle.catch(() => {});
      await fixture.queueOf('jobs', 2);
      let granted = false;
      const last = three.lock('jobs').then((lock) => {
        granted = true;
        return lock;
      });
      await fixture.queueOf('jobs', 3);
      controller.abort(new Error('enough'));
      await expect(middle).rejects.toThrow('enough');
      await fixture.queueOf('jobs', 2);
      await three.get('barrier');
      expect(granted).toBe(false);
      await holder.release();
      expect((await last).isHeld).toBe(true);
    });

    it('starts again when its own key is removed', async () => {
      const [one, two] = await fixture.openSeveral(2);
      const holder = await one!.lock('jobs');
      const waiter = two!.lock('jobs');
      const [, waiting] = await fixture.queueOf('jobs', 2);
      await fixture.foreign.txn({ success: [{ type: 'delete', key: waiting!.key }] });
      const [, again] = await fixture.queueOf('jobs', 2);
      expect(again!.key).not.toBe(waiting!.key);
      await holder.release();
      expect((await waiter).key).toBe(again!.key);
    });

    it('starts again under a new lease when its session is lost', async () => {
      const [one, two] = await fixture.openSeveral(2);
      const holder = await one!.lock('jobs');
      const waiter = two!.lock('jobs');
      const [, waiting] = await fixture.queueOf('jobs', 2);
      await fixture.revokeLeaseOf(waiting!.key);
      const [, again] = await fixture.queueOf('jobs', 2);
      expect(again!.lease).not.toBe(waiting!.lease);
      await holder.release();
      expect((await waiter).key).toBe(again!.key);
    });
  });

  describe('beside other programs', () => {
    it("waits for a key as Go's concurrency.Mutex puts it, and is waited for", async () => {
      const kvi = await fixture.open();
      const lease = await fixture.foreign.leaseGrant(60);
      const goKey = `hbtd_dist_lock/${lease.id}`;
      await fixture.foreign.txn({ success: [{ type: 'put', key: goKey, value: '', lease: lease.id }] });
      await expect(kvi.lock(undefined, { timeoutSec: 0 })).rejects.toBeInstanceOf(LockTimeoutError);
      const waiter = kvi.lock();
      await fixture.queueOf('hbtd_dist_lock', 2);
      await fixture.foreign.leaseRevoke(lease.id);
      expect((await waiter).isHeld).toBe(true);
    });

    it.each([0, undefined])(
      'is not blocked by data keys or other locks below it (timeoutSec %s)',
      async (timeoutSec) => {
        const [one, two] = await fixture.openSeveral(2);
        await two!.store('jobs/1', 'a data key');
        await two!.store('jobs/ab-1', 'a data key that looks like a place, but has no lease');
        await two!.lock('jobs/eu');
        const lock = await one!.lock('jobs', { timeoutSec });
        expect(lock.isHeld).toBe(true);
        await expect(two!.lock('jobs/eu', { timeoutSec: 0 })).rejects.toBeInstanceOf(LockTimeoutError);
        const third = await fixture.open();
        await expect(third.lock('jobs', { timeoutSec: 0 })).rejects.toBeInstanceOf(LockTimeoutError);
        await lock.release();
        expect((await third.lock('jobs', { timeoutSec: 0 })).isHeld).toBe(true);
      },
    );

    it('refuses a name that is a path prefix of one in use by the handle, until that is over', async () => {
      const [kvi, other] = await fixture.openSeveral(2);
      const lock = await kvi!.lock('billing/eu');
      await expect(kvi!.lock('billing')).rejects.toThrow(InvalidArgumentError);
      await expect(kvi!.lock('billing')).rejects.toThrow(/^name .*'billing'.*'billing\/eu'/);
      expect(await fixture.queue('billing')).toHaveLength(1);
      expect((await other!.lock('bill', { timeoutSec: 0 })).isHeld).toBe(true);
      await lock.release();
      expect((await kvi!.lock('billing', { timeoutSec: 0 })).isHeld).toBe(true);
    });
  });

  describe('loss', () => {
    it('of the lease aborts the signal, and is told by release', async () => {
      const kvi = await fixture.open();
      const lock = await kvi.lock('jobs');
      await fixture.revokeLeaseOf(lock.key);
      expect(await aborted(lock.signal)).toBeInstanceOf(LockLostError);
      expect(lock.isHeld).toBe(false);
      expect(() => lock.assertHeld()).toThrow(LockLostError);
      await expect(lock.release()).rejects.toBeInstanceOf(LockLostError);
      await expect(lock.release()).rejects.toBeInstanceOf(LockLostError);
      expect(fixture.logger.at('error')).toEqual([expect.stringContaining("'jobs' was lost")]);
    });

    it('of the key, removed by an operator, aborts the signal as soon as it is seen', async () => {
      const kvi = await fixture.open();
      const lock = await kvi.lock('jobs');
      await fixture.foreign.txn({ success: [{ type: 'delete', key: lock.key }] });
      expect(await aborted(lock.signal)).toBeInstanceOf(LockLostError);
      expect((await kvi.lock('jobs', { timeoutSec: 0 })).isHeld).toBe(true);
    });

    it('of one lock does not touch another of the handle', async () => {
      const kvi = await fixture.open();
      const [lost, kept] = [await kvi.lock('one'), await kvi.lock('two')];
      await fixture.foreign.txn({ success: [{ type: 'delete', key: lost.key }] });
      await aborted(lost.signal);
      expect(kept.isHeld).toBe(true);
      await kept.release();
    });

    it('by maxHoldSec aborts the signal, then frees the lock', async () => {
      const [one, two] = await fixture.openSeveral(2);
      const lock = await one!.lock('jobs', { maxHoldSec: 0.05 });
      const next = two!.lock('jobs').then((granted) => {
        expect(lock.signal.aborted).toBe(true);
        return granted;
      });
      expect(await aborted(lock.signal)).toMatchObject({ message: expect.stringContaining('maxHoldSec') });
      expect((await next).isHeld).toBe(true);
      await expect(lock.release()).rejects.toBeInstanceOf(LockLostError);
    });

    it('is told by release where a removal was not seen yet, and never deletes the next key', async () => {
      const kvi = await fixture.open();
      const lock = await kvi.lock('jobs');
      const [record] = await fixture.queue('jobs');
      const removal = fixture.foreign.txn({ success: [{ type: 'delete', key: lock.key }] });
      const release = lock.release() as Promise<void | Error>;
      const outcome = release.catch((error: unknown) => error);
      await removal;
      await fixture.foreign.txn({ success: [{ type: 'put', key: record!.key, value: 'of another' }] });
      // Which of the two came first is the store's to say; the release may not have deleted what came after.
      expect([undefined, LockLostError]).toContainEqual((await outcome)?.constructor);
      expect(await allKeys(fixture.foreign)).toContain(record!.key);
    });

    it('does not end the handle: a new lock is taken under a new lease', async () => {
      const kvi = await fixture.open();
      const first = await kvi.lock('jobs');
      const [before] = await fixture.queue('jobs');
      await fixture.revokeLeaseOf(first.key);
      await aborted(first.signal);
      const second = await kvi.lock('jobs', { timeoutSec: 5 });
      const [after] = await fixture.queue('jobs');
      expect(second.isHeld).toBe(true);
      expect(after!.lease).not.toBe(before!.lease);
    });
  });
}
