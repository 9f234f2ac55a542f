import { expect, it } from '@jest/globals';
import { LockLostError, LockTimeoutError } from '../../lib/kvi/errors.js';
import { allKeys, type Fixture } from './backend.js';

const NAME = 'hbtd_dist_lock';

export function distLockContract(fixture: Fixture): void {
  it('excludes another handle until it is unlocked', async () => {
    const [one, two] = await fixture.openSeveral(2);
    await one!.distLock();
    await expect(two!.distTimedLock(0)).rejects.toBeInstanceOf(LockTimeoutError);
    await expect(two!.distTimedLock(0.03)).rejects.toBeInstanceOf(LockTimeoutError);
    const waiting = two!.distLock();
    await fixture.queueOf(NAME, 2);
    await one!.distUnlock();
    await waiting;
    await expect(one!.distTimedLock(0)).rejects.toBeInstanceOf(LockTimeoutError);
  });

  it('appears to be taken again by its holder, and to be unlocked again', async () => {
    const kvi = await fixture.open();
    await kvi.distUnlock();
    await kvi.distLock();
    await kvi.distLock();
    await kvi.distTimedLock(0);
    expect(await fixture.queue(NAME)).toHaveLength(1);
    await kvi.distUnlock();
    expect(await fixture.queue(NAME)).toEqual([]);
    await kvi.distUnlock();
  });

  it('is one hold also when it is taken twice at once', async () => {
    const kvi = await fixture.open();
    await Promise.all([kvi.distLock(), kvi.distTimedLock(5), kvi.distLock()]);
    expect(await fixture.queue(NAME)).toHaveLength(1);
  });

  it('is one hold also when it is tried twice at once', async () => {
    const [kvi, other] = await fixture.openSeveral(2);
    await Promise.all([kvi!.distTimedLock(0), kvi!.distTimedLock(0)]);
    expect(await fixture.queue(NAME)).toHaveLength(1);
    const tries = await Promise.allSettled([other!.distTimedLock(0), other!.distTimedLock(0)]);
    expect(tries.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('keeps its time behind a call that waits for ever', async () => {
    const [one, two] = await fixture.openSeveral(2);
    await one!.distLock();
    const waiting = two!.distLock();
    await fixture.queueOf(NAME, 2);
    await expect(two!.distTimedLock(0.03)).rejects.toBeInstanceOf(LockTimeoutError);
    await one!.distUnlock();
    await waiting;
  });

  it('leaves nothing but the lock key, and nothing after unlock', async () => {
    const kvi = await fixture.open();
    await kvi.distTimedLock(1);
    await kvi.distUnlock();
    expect((await allKeys(fixture.foreign)).filter((key) => key.startsWith(NAME))).toEqual([]);
  });

  it('that is tried twice at once is given up only by whoever gives up', async () => {
    const kvi = await fixture.open();
    const controller = new AbortController();
    const reason = new Error('enough');
    const tries = Promise.allSettled([
      kvi.distTimedLock(0, { signal: controller.signal }),
      kvi.distTimedLock(0),
    ]);
    controller.abort(reason);
    expect(await tries).toEqual([
      { status: 'rejected', reason },
      { status: 'fulfilled', value: undefined },
    ]);
  });

  it("ends with the signal's reason", async () => {
    const [one, two] = await fixture.openSeveral(2);
    await one!.distLock();
    const reason = new Error('enough');
    await expect(two!.distLock({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const waiting = two!.distTimedLock(60, { signal: controller.signal });
    await fixture.queueOf(NAME, 2);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(await fixture.queue(NAME)).toHaveLength(1);
  });

  it('that was lost is told once by unlock, and acquired anew', async () => {
    const kvi = await fixture.open();
    await kvi.distLock();
    const [before] = await fixture.queue(NAME);
    await fixture.foreign.leaseRevoke(before!.lease);
    await fixture.logger.line('error', /was lost/);
    await expect(kvi.distUnlock()).rejects.toBeInstanceOf(LockLostError);
    await kvi.distUnlock();
    await kvi.distTimedLock(5);
    const [after] = await fixture.queue(NAME);
    expect(after!.createRevision).toBeGreaterThan(before!.createRevision);
  });

  it('that was lost is acquired anew without an unlock between', async () => {
    const kvi = await fixture.open();
    await kvi.distTimedLock(0);
    const [before] = await fixture.queue(NAME);
    await fixture.foreign.txn({ success: [{ type: 'delete', key: before!.key }] });
    await fixture.logger.line('error', /was lost/);
    await kvi.distTimedLock(0);
    expect(await fixture.queue(NAME)).toHaveLength(1);
    await kvi.distUnlock();
  });

  it('ends its hold after maxHoldSec', async () => {
    const [one, two] = await fixture.openSeveral(2);
    await one!.distTimedLock(0, { maxHoldSec: 0.05 });
    await two!.distTimedLock(5);
    await expect(one!.distUnlock()).rejects.toBeInstanceOf(LockLostError);
  });

  it("does not admit the handle's own withLock", async () => {
    const kvi = await fixture.open();
    await kvi.distLock();
    await expect(kvi.withLock(NAME, { timeoutSec: 0 }, async () => {})).rejects.toBeInstanceOf(
      LockTimeoutError,
    );
  });
}
