import { describe, expect, it } from '@jest/globals';
import { LockLostError, LockTimeoutError } from '../../lib/kvi/errors.js';
import { PUT } from '../../lib/kvi/key-change.js';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { ClosedError } from '../../lib/store/errors.js';
import { aborted, allKeys, type Fixture, gate, rejectionOf } from './backend.js';

const AFTER_CLOSE: Record<string, (kvi: Kvi) => unknown> = {
  get: (kvi) => kvi.get('k'),
  getRange: (kvi) => kvi.getRange('a', 'b'),
  getPrefix: (kvi) => kvi.getPrefix('a'),
  scan: (kvi) => kvi.scan('k')[Symbol.asyncIterator]().next(),
  snapshot: (kvi) => kvi.snapshot('k'),
  store: (kvi) => kvi.store('k', 'v'),
  delete: (kvi) => kvi.delete('k'),
  transaction: (kvi) => kvi.transaction('k', '=', 'v', 'k', 'v'),
  tas: (kvi) => kvi.tas('k', 'v', 'v'),
  createIfAbsent: (kvi) => kvi.createIfAbsent('k', 'v'),
  tempKey: (kvi) => kvi.tempKey('k'),
  watch: (kvi) => kvi.watch('k'),
  watchWithCB: (kvi) => kvi.watchWithCB('k', PUT, () => {}),
  changes: (kvi) => kvi.changes('k').next(),
  distLock: (kvi) => kvi.distLock(),
  distTimedLock: (kvi) => kvi.distTimedLock(1),
  distUnlock: (kvi) => kvi.distUnlock(),
  lock: (kvi) => kvi.lock('l'),
  withLock: (kvi) => kvi.withLock('l', {}, async () => {}),
};

export function closeContract(fixture: Fixture): void {
  it('may be called again, and at once', async () => {
    const kvi = await fixture.open();
    await Promise.all([kvi.close(), kvi.close()]);
    await kvi.close();
    expect(fixture.logger.at('log').filter((line) => line.startsWith('Closed'))).toHaveLength(1);
  });

  it.each(Object.entries(AFTER_CLOSE))('gives %s ClosedError', async (_name, call) => {
    const kvi = await fixture.open();
    await kvi.close();
    await expect((async () => call(kvi))()).rejects.toBeInstanceOf(ClosedError);
    expect(await allKeys(fixture.foreign)).toEqual([]);
  });

  it('frees locks and temporary keys at once, after aborting the signals', async () => {
    const [kvi, other] = await fixture.openSeveral(2);
    const lock = await kvi!.lock('one');
    await kvi!.distLock();
    await kvi!.tempKey('member');
    const next = other!.lock('one').then((granted) => {
      expect(lock.signal.aborted).toBe(true);
      return granted;
    });
    await fixture.queueOf('one', 2);
    await kvi!.close();
    expect((await next).isHeld).toBe(true);
    expect(lock.isHeld).toBe(false);
    await expect(lock.release()).rejects.toBeInstanceOf(LockLostError);
    expect(await fixture.queue('hbtd_dist_lock')).toEqual([]);
    expect(await other!.get('member')).toBeUndefined();
  });

  describe('with a running withLock', () => {
    it('waits for it, and lets it use the handle and its lock until it ends', async () => {
      const [kvi, other] = await fixture.openSeveral(2);
      const [entered, leave] = [gate(), gate()];
      const running = kvi!.withLock('jobs', {}, async (lock) => {
        entered.open();
        await leave.opened;
        await kvi!.store('written', 'while closing');
        await kvi!.withLock('jobs', {}, async () => {});
        expect(lock.isHeld).toBe(true);
        return 'finished';
      });
      await entered.opened;
      const closed = kvi!.close();
      await expect(kvi!.lock('new')).rejects.toBeInstanceOf(ClosedError);
      await expect(kvi!.withLock('new', {}, async () => {})).rejects.toBeInstanceOf(ClosedError);
      await expect(other!.lock('jobs', { timeoutSec: 0 })).rejects.toBeInstanceOf(LockTimeoutError);
      leave.open();
      expect(await running).toBe('finished');
      await closed;
      expect(await other!.get('written')).toBe('while closing');
      expect(await fixture.queue('jobs')).toEqual([]);
    });

    it('that outlasts shutdownTimeoutMs aborts its signal, names it, and never frees its lock under it', async () => {
      const [kvi, other] = [await fixture.open({ shutdownTimeoutMs: 30 }), await fixture.open()];
      const [entered, leave] = [gate(), gate()];
      const running = kvi.withLock('jobs', {}, async function slowJob(lock) {
        entered.open();
        await aborted(lock.signal);
        await leave.opened;
      });
      await entered.opened;
      await kvi.lock('other');
      await kvi.tempKey('member');
      await kvi.close();
      expect(fixture.logger.warnings).toEqual([expect.stringMatching(/30 ms.*lock 'jobs' \(slowJob\)/)]);
      await expect(other.lock('jobs', { timeoutSec: 0 })).rejects.toBeInstanceOf(LockTimeoutError);
      expect(await fixture.queue('jobs')).toHaveLength(1);
      expect((await other.lock('other', { timeoutSec: 0 })).isHeld).toBe(true);
      expect(await other.get('member')).toBeUndefined();
      leave.open();
      await expect(running).rejects.toBeInstanceOf(LockLostError);
      expect(await fixture.queue('jobs')).toHaveLength(1);
    });

    it('leaves a lock whose minHoldSec is not over to the lease, at once and without a word', async () => {
      const [kvi, other] = await fixture.openSeveral(2);
      await kvi!.lock('other');
      await kvi!.tempKey('member');
      const key = await kvi!.withLock('jobs', { minHoldSec: 60 }, async (lock) => lock.key);
      const queued = rejectionOf(kvi!.withLock('jobs', {}, async () => {}));
      await kvi!.close();
      expect(await queued).toBeInstanceOf(ClosedError);
      expect(fixture.logger.warnings).toEqual([]);
      expect(fixture.logger.at('error')).toEqual([]);
      await expect(other!.lock('jobs', { timeoutSec: 0 })).rejects.toBeInstanceOf(LockTimeoutError);
      expect(await fixture.queue('jobs')).toMatchObject([{ key }]);
      expect((await other!.lock('other', { timeoutSec: 0 })).isHeld).toBe(true);
      expect(await other!.get('member')).toBeUndefined();
      await fixture.revokeLeaseOf(key);
      expect((await other!.lock('jobs', { timeoutSec: 5 })).isHeld).toBe(true);
    });

    it('gives the calls that queue behind it ClosedError', async () => {
      const kvi = await fixture.open();
      const [entered, leave] = [gate(), gate()];
      const running = kvi.withLock('jobs', {}, async () => {
        entered.open();
        await leave.opened;
      });
      await entered.opened;
      const queued = kvi.withLock('jobs', {}, async () => {});
      const rejection = rejectionOf(queued);
      const closed = kvi.close();
      expect(await rejection).toBeInstanceOf(ClosedError);
      leave.open();
      await running;
      await closed;
    });
  });

  describe('with a running watch callback', () => {
    it('waits for it, and starts no other', async () => {
      const kvi = await fixture.open();
      const [entered, leave] = [gate(), gate()];
      const values: string[] = [];
      await kvi.watchWithCB('k', PUT, async (_key, value) => {
        values.push(value);
        entered.open();
        await leave.opened;
        await kvi.store('written', 'while closing');
      });
      await kvi.store('k', '1');
      await kvi.store('k', '2');
      await entered.opened;
      const closed = kvi.close();
      leave.open();
      await closed;
      expect(values).toEqual(['1']);
      expect(await allKeys(fixture.foreign)).toContain('written');
    });

    it('that outlasts shutdownTimeoutMs names it', async () => {
      const kvi = await fixture.open({ shutdownTimeoutMs: 30 });
      const [entered, leave] = [gate(), gate()];
      const handle = await kvi.watchWithCB('k', PUT, async function slowCallback() {
        entered.open();
        await leave.opened;
      });
      await kvi.store('k', '1');
      await entered.opened;
      await kvi.close();
      expect(fixture.logger.warnings).toEqual([expect.stringMatching(/watch of 'k' \(.*slowCallback\)/)]);
      leave.open();
      expect(await handle.closed).toBe('closed');
    });
  });

  it('leaves the store to the other handles', async () => {
    const [kvi, other] = await fixture.openSeveral(2);
    await kvi!.store('k', 'v');
    const change = other!.watch('k');
    const lock = await other!.lock('jobs');
    await kvi!.close();
    await other!.store('k', 'w');
    expect(await change).toMatchObject({ value: 'w' });
    lock.assertHeld();
  });
}
