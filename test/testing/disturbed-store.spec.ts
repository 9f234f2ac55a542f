import { beforeEach, expect, it } from '@jest/globals';
import { ClosedError, CompactedError, RequestTimeoutError } from '../../lib/store/errors.js';
import { MemoryDatabase } from '../../lib/store/memory/database.js';
import type { Store } from '../../lib/store/store.js';
import { Conditions } from '../../lib/testing/conditions.js';
import { DisturbedStore } from '../../lib/testing/disturbed-store.js';
import { Faults } from '../../lib/testing/faults.js';
import { TestClock } from '../../lib/testing/test-clock.js';

const TIMEOUT_MS = 5000;

let clock: TestClock;
let faults: Faults;
let database: MemoryDatabase;
let store: Store;

beforeEach(() => {
  clock = new TestClock();
  faults = new Faults(async () => {});
  database = new MemoryDatabase({ clock });
  store = new DisturbedStore(database, clock, new Conditions([faults]), TIMEOUT_MS);
});

/** After how many milliseconds a call ends, and how. */
async function ending(call: Promise<unknown>): Promise<{ afterMs: number; error: unknown }> {
  const begunAt = clock.now();
  const ended = call.then(
    () => ({ afterMs: clock.now() - begunAt, error: undefined }),
    (error: unknown) => ({ afterMs: clock.now() - begunAt, error }),
  );
  await clock.advance(60_000);
  return ended;
}

it('waits for what keeps a session alive no longer than the etcd store, and for all else as long as it may', async () => {
  const { id } = await store.leaseGrant(60);
  faults.freeze();
  const error = expect.any(RequestTimeoutError);
  expect(await ending(store.leaseKeepAlive(id))).toEqual({ afterMs: 1500, error });
  expect(await ending(store.leaseRevoke(id))).toEqual({ afterMs: 1000, error });
  expect(await ending(store.leaseGrant(60))).toEqual({ afterMs: TIMEOUT_MS, error });
  expect(await ending(store.revision('a'))).toEqual({ afterMs: TIMEOUT_MS, error });
});

it('takes a txn that only reads for a read: nothing is left open', async () => {
  faults.freeze();
  const { error } = await ending(store.txn({ success: [{ type: 'range', key: 'a' }] }));
  expect(error).toBeInstanceOf(RequestTimeoutError);
});

it('ends at close what waits, and the watches', async () => {
  const watch = await store.watch({ key: 'a', afterRevision: 1 });
  const next = watch.next();
  faults.freeze();
  const waiting = ending(store.range({ key: 'a' }));
  await store.close();
  expect(await waiting).toEqual({ afterMs: 0, error: expect.any(ClosedError) });
  expect(await next).toBeUndefined();
  expect(clock.timerCount()).toBe(0);
  faults.clear();
  await expect(store.watch({ key: 'a', afterRevision: 1 })).rejects.toThrow(ClosedError);
  await expect(store.range({ key: 'a' })).rejects.toThrow(ClosedError);
});

it('a watch that has missed what is gone has failed for good, and knows since when it is behind', async () => {
  const watch = await store.watch({ key: 'a', afterRevision: 1 });
  faults.cutWatches();
  await store.txn({ success: [{ type: 'put', key: 'a', value: '1' }] });
  const { revision } = await store.txn({ success: [{ type: 'put', key: 'b', value: '1' }] });
  database.compact(revision);
  await clock.advance(1000);
  faults.restoreWatches();
  expect(watch.cutOffMs).toBe(1000);
  await expect(watch.next()).rejects.toThrow(CompactedError);
  faults.cutWatches();
  faults.restoreWatches();
  await expect(watch.next()).rejects.toThrow(CompactedError);
  watch.cancel();
});

it('a watch that is cancelled while it is cut off ends who waits for it', async () => {
  const watch = await store.watch({ key: 'a', afterRevision: 1 });
  faults.cutWatches();
  const next = watch.next();
  await clock.advance(0);
  watch.cancel();
  expect(await next).toBeUndefined();
});
