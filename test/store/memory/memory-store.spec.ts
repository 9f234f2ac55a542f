import { describe, expect, it } from '@jest/globals';
import { ClosedError, CompactedError } from '../../../lib/store/errors.js';
import { MemoryDatabase } from '../../../lib/store/memory/database.js';
import { memoryDatabase, MemoryStore } from '../../../lib/store/memory/memory-store.js';
import type { Store } from '../../../lib/store/store.js';
import { TestClock } from '../../../lib/testing/test-clock.js';
import { put } from './operations.js';

function twoConnections() {
  const clock = new TestClock();
  const database = new MemoryDatabase({ clock });
  return { clock, database, one: new MemoryStore(database), other: new MemoryStore(database) };
}

const EVERY_CALL: [string, (store: Store) => Promise<unknown>][] = [
  ['range', (store) => store.range({ key: 'a' })],
  ['revision', (store) => store.revision('a')],
  ['txn', (store) => store.txn({ success: [put('a')] })],
  ['leaseGrant', (store) => store.leaseGrant(5)],
  ['leaseKeepAlive', (store) => store.leaseKeepAlive('1')],
  ['leaseRevoke', (store) => store.leaseRevoke('1')],
  ['watch', (store) => store.watch({ key: 'a', afterRevision: 1 })],
];

describe('MemoryStore', () => {
  it('shares its database with other connections', async () => {
    const { one, other } = twoConnections();
    const watch = await other.watch({ key: 'a', afterRevision: 1 });
    const next = watch.next();
    await one.txn({ success: [put('a', 'v')] });
    expect((await other.range({ key: 'a' })).kvs).toMatchObject([{ value: 'v' }]);
    expect(await next).toMatchObject({ revision: 2 });
  });

  it('grants, renews and revokes leases', async () => {
    const { one, clock } = twoConnections();
    const { id, ttlSec } = await one.leaseGrant(5);
    expect(ttlSec).toBe(5);
    await one.txn({ success: [put('a', '', id)] });
    await clock.advance(4_000);
    expect(await one.leaseKeepAlive(id)).toBe(5);
    await clock.advance(4_000);
    expect((await one.range({ key: 'a' })).kvs).toHaveLength(1);
    await one.leaseRevoke(id);
    await one.leaseRevoke(id);
    expect((await one.range({ key: 'a' })).kvs).toHaveLength(0);
    expect(await one.leaseKeepAlive(id)).toBe(0);
  });

  it.each(EVERY_CALL)('rejects what the database refuses: %s never throws in the call', async (_, call) => {
    const broken = new Proxy(new MemoryDatabase(), {
      get: () => () => {
        throw new CompactedError('refused', 2);
      },
    });
    const promise = call(new MemoryStore(broken));
    await expect(promise).rejects.toThrow('refused');
  });

  describe('close', () => {
    it("ends the connection's own watches, also those that wait, and no others", async () => {
      const { one, other } = twoConnections();
      const own = await one.watch({ key: 'a', afterRevision: 1 });
      const idle = await one.watch({ key: 'a', afterRevision: 1 });
      const foreign = await other.watch({ key: 'a', afterRevision: 1 });
      const waiting = own.next();
      await one.close();
      expect(await waiting).toBeUndefined();
      expect(await idle.next()).toBeUndefined();
      await other.txn({ success: [put('a')] });
      expect(await foreign.next()).toMatchObject({ revision: 2 });
    });

    it.each(EVERY_CALL)('makes %s reject with ClosedError', async (_, call) => {
      const { one } = twoConnections();
      await one.close();
      await expect(call(one)).rejects.toBeInstanceOf(ClosedError);
    });

    it('is idempotent, and leaves keys and leases to the database', async () => {
      const { one, other, clock } = twoConnections();
      const { id } = await one.leaseGrant(5);
      await one.txn({ success: [put('kept'), put('leased', '', id)] });
      await one.close();
      await one.close();
      const keys = async () => (await other.range({ key: '\0', rangeEnd: '\0' })).kvs.map(({ key }) => key);
      expect(await keys()).toEqual(['kept', 'leased']);
      await clock.advance(5_000);
      expect(await keys()).toEqual(['kept']);
    });

    it('does not mind watches that were over before', async () => {
      const { one, database } = twoConnections();
      for (let i = 0; i < 3; i++) await one.txn({ success: [put('a')] });
      const cancelled = await one.watch({ key: 'a', afterRevision: 1 });
      const slow = await one.watch({ key: 'a', afterRevision: 1 });
      cancelled.cancel();
      database.compact(3);
      const late = await one.watch({ key: 'a', afterRevision: 1 });
      await one.close();
      await expect(slow.next()).rejects.toBeInstanceOf(CompactedError);
      await expect(late.next()).rejects.toBeInstanceOf(CompactedError);
      expect(await cancelled.next()).toBeUndefined();
    });
  });
});

describe('memoryDatabase', () => {
  it('is one for each name, for the life of the process', () => {
    expect(memoryDatabase('spec-a')).toBe(memoryDatabase('spec-a'));
    expect(memoryDatabase('spec-a')).not.toBe(memoryDatabase('spec-b'));
    expect(memoryDatabase('')).not.toBe(memoryDatabase('spec-a'));
  });
});
