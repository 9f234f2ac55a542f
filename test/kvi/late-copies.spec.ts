import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PermissionDeniedError, UnavailableError } from '../../lib/store/errors.js';
import { LockTimeoutError } from '../../lib/kvi/errors.js';
import type { Kvi } from '../../lib/kvi/kvi.js';
import type { TxnRequest } from '../../lib/store/store.js';
import { rejectionOf } from '../contract/backend.js';
import type { InterceptedStore } from '../support/intercepted-store.js';
import { Workbench } from '../support/workbench.js';

/** Until the locks that were used have been looked at. */
const LOOK_MS = 5000;

/** Whatever was used is looked at no more. */
const LAST_LOOK_MS = 30_000;

const REMOVED = {
  ghosts: 1,
  keys: [],
  warnings: [expect.stringMatching(/'jobs' was held by nobody and has been freed: .*repeats requests/)],
};

/** Lets the next txn pass, and answers how to let it arrive once more. */
function repeatable(store: InterceptedStore): () => Promise<unknown> {
  let again = (): Promise<unknown> => Promise.reject(new Error('Nothing was sent.'));
  store.intercept('txn', (proceed) => {
    store.intercept('txn', undefined);
    again = proceed;
    return proceed();
  });
  return () => again();
}

function isLook({ success = [] }: TxnRequest): boolean {
  return success.length > 0 && success.every((operation) => operation.type === 'range');
}

function isRemoval({ compare = [], success = [] }: TxnRequest): boolean {
  return compare.length === 1 && success.length === 1 && success[0]!.type === 'delete';
}

function requestsOf(store: InterceptedStore, isOne: (request: TxnRequest) => boolean): TxnRequest[] {
  return store.calls
    .filter(({ verb }) => verb === 'txn')
    .map(({ request }) => request as TxnRequest)
    .filter(isOne);
}

const looksOf = (store: InterceptedStore): TxnRequest[] => requestsOf(store, isLook);

/** Where the looks began to read. */
function readBy(store: InterceptedStore): string[] {
  return looksOf(store).flatMap(({ success }) => success!.map((read) => (read as { key: string }).key));
}

async function useLock(kvi: Kvi, name: string): Promise<void> {
  await (await kvi.lock(name)).release();
}

describe('a late copy of an acquisition', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.dispose());

  /** What lies there, and what was told of it, that much later. */
  async function after(ms: number): Promise<{ keys: string[]; warnings: string[] }> {
    await bench.clock.advance(ms);
    return { keys: await bench.keys(), warnings: bench.logger.at('warn') };
  }

  /** How many keys there are, and what the next look makes of them. */
  async function fateOfGhost(): Promise<unknown> {
    const { length } = await bench.keys();
    return { ghosts: length, ...(await after(LOOK_MS)) };
  }

  describe('is removed, with one warning,', () => {
    it.each([0, 24_000])('when it arrives %i ms after the release', async (lateMs) => {
      const { kvi, store } = bench.open({ sessionTtlSec: 60 });
      await useLock(kvi, 'warm-up');
      const arrive = repeatable(store);
      await useLock(kvi, 'jobs');
      await bench.clock.advance(lateMs);
      await arrive();
      expect(await fateOfGhost()).toEqual(REMOVED);
    });

    it('when it is that of a try that found the lock taken', async () => {
      const [{ kvi, store }, other] = [bench.open(), bench.open()];
      await useLock(kvi, 'warm-up');
      const taken = await other.kvi.lock('jobs');
      const arrive = repeatable(store);
      await expect(kvi.lock('jobs', { timeoutSec: 0 })).rejects.toThrow('first try');
      await taken.release();
      await arrive();
      expect(await fateOfGhost()).toEqual(REMOVED);
    });

    it('when it is that of a wait that was given up', async () => {
      const [{ kvi, store }, other] = [bench.open(), bench.open()];
      await useLock(kvi, 'warm-up');
      const taken = await other.kvi.lock('jobs');
      const arrive = repeatable(store);
      const ended = rejectionOf(kvi.lock('jobs', { timeoutSec: 1 }));
      await bench.clock.advance(1000);
      expect(await ended).toBeInstanceOf(LockTimeoutError);
      await taken.release();
      await arrive();
      expect(await fateOfGhost()).toEqual(REMOVED);
    });

    it('when somebody had deleted the key of the hold', async () => {
      const { kvi, store } = bench.open();
      await useLock(kvi, 'warm-up');
      const arrive = repeatable(store);
      const lock = await kvi.lock('jobs');
      await bench.clock.advance(0);
      await bench.foreign.txn({ success: [{ type: 'delete', key: lock.key }] });
      await bench.clock.advance(0);
      expect(lock.isHeld).toBe(false);
      await arrive();
      expect(await fateOfGhost()).toEqual(REMOVED);
    });

    it('when the release was confirmed only by a later try', async () => {
      const { kvi, store } = bench.open();
      await useLock(kvi, 'warm-up');
      const arrive = repeatable(store);
      const lock = await kvi.lock('jobs');
      store.intercept('txn', () => {
        store.intercept('txn', undefined);
        return Promise.reject(new UnavailableError('down'));
      });
      await expect(lock.release()).rejects.toBeInstanceOf(UnavailableError);
      await bench.clock.advance(500);
      await arrive();
      expect(await fateOfGhost()).toEqual(REMOVED);
    });

    it('when a look has failed meanwhile', async () => {
      const { kvi, store } = bench.open({ sessionTtlSec: 60 });
      await useLock(kvi, 'warm-up');
      const arrive = repeatable(store);
      await useLock(kvi, 'jobs');
      await arrive();
      store.intercept('txn', () => Promise.reject(new UnavailableError('down')));
      await bench.clock.advance(LAST_LOOK_MS);
      store.intercept('txn', undefined);
      expect(await fateOfGhost()).toEqual(REMOVED);
    });

    it('while other copies of the same lock come', async () => {
      const { kvi, store } = bench.open();
      await useLock(kvi, 'warm-up');
      const arrivals: (() => Promise<unknown>)[] = [];
      for (let copy = 0; copy < 20; copy++) {
        arrivals.push(repeatable(store));
        await useLock(kvi, 'jobs');
      }
      for (const arrive of arrivals) await arrive();
      await bench.clock.advance(2 * LOOK_MS);
      expect(await bench.keys()).toEqual([]);
      expect(bench.logger.at('warn')).toHaveLength(20);
    });
  });

  describe('is not mistaken for', () => {
    it('the hold of a lock that was used before, nor for who waits for it', async () => {
      const { kvi } = bench.open();
      await useLock(kvi, 'jobs');
      await kvi.lock('jobs');
      kvi.lock('jobs').catch(() => {});
      await bench.clock.advance(0);
      const keys = await bench.keys();
      expect(keys).toHaveLength(2);
      expect(await after(LAST_LOOK_MS)).toEqual({ keys: keys, warnings: [] });
    });

    it('an acquisition that was done and is not answered yet', async () => {
      const { kvi, store } = bench.open();
      await useLock(kvi, 'jobs');
      let answer = (): void => {};
      store.intercept('txn', async (proceed) => {
        store.intercept('txn', undefined);
        const response = await proceed();
        await new Promise<void>((resolve) => (answer = resolve));
        return response;
      });
      const locking = kvi.lock('jobs');
      await bench.clock.advance(0);
      const keys = await bench.keys();
      expect(keys).toHaveLength(1);
      expect(await after(LAST_LOOK_MS)).toEqual({ keys: keys, warnings: [] });
      answer();
      (await locking).assertHeld();
    });

    it('a key whose removal is not confirmed', async () => {
      const { kvi, store } = bench.open();
      await useLock(kvi, 'jobs');
      const lock = await kvi.lock('jobs');
      let refused: unknown;
      store.intercept('txn', (proceed, request) => {
        refused ??= request;
        // The retries send the very same.
        return request === refused ? Promise.reject(new UnavailableError('down')) : proceed();
      });
      await expect(lock.release()).rejects.toBeInstanceOf(UnavailableError);
      expect(await after(LAST_LOOK_MS)).toEqual({ keys: [lock.key], warnings: [] });
    });

    it('one that is released while it is read', async () => {
      const { kvi, store } = bench.open();
      await useLock(kvi, 'jobs');
      const lock = await kvi.lock('jobs');
      let answer = (): void => {};
      store.intercept('txn', async (proceed, request) => {
        const response = await proceed();
        if (isLook(request as TxnRequest)) await new Promise<void>((resolve) => (answer = resolve));
        return response;
      });
      await bench.clock.advance(LOOK_MS);
      await lock.release();
      const next = await bench.open().kvi.lock('jobs');
      store.intercept('txn', undefined);
      answer();
      expect(await after(LAST_LOOK_MS)).toEqual({ keys: [next.key], warnings: [] });
    });

    it('the key of another lease', async () => {
      const [{ kvi }, other] = [bench.open(), bench.open()];
      await useLock(kvi, 'jobs');
      const lock = await other.kvi.lock('jobs');
      expect(await after(LAST_LOOK_MS)).toEqual({ keys: [lock.key], warnings: [] });
    });

    it('what others keep below the name, be it leased or not', async () => {
      const { kvi } = bench.open();
      const lock = await kvi.lock('jobs');
      await lock.release();
      const [own] = lock.key.split('-');
      const { id: lease } = await bench.foreign.leaseGrant(600);
      const data = `${own}-1000`;
      const leased = `${own}-1001`;
      const below = `${own}-1002/x`;
      await bench.foreign.txn({
        success: [
          { type: 'put', key: data, value: '' },
          { type: 'put', key: leased, value: '', lease },
          { type: 'put', key: below, value: '', lease: own!.slice('jobs/'.length) },
        ],
      });
      expect(await after(LAST_LOOK_MS)).toEqual({ keys: [data, leased, below], warnings: [] });
    });
  });

  describe('is looked for', () => {
    const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `lock-${at}`);

    it('only some times after a lock was used, by timers that keep no process alive', async () => {
      const { kvi, store } = bench.open();
      const held = await kvi.lock('held');
      await bench.clock.advance(2 * LAST_LOOK_MS);
      expect(looksOf(store)).toHaveLength(0);
      await held.release();
      expect(bench.clock.timerCount({ background: false })).toBe(0);
      await bench.clock.advance(2 * LAST_LOOK_MS);
      expect(looksOf(store)).toHaveLength(LAST_LOOK_MS / LOOK_MS);
    });

    it('in one request for the locks that were used, however often', async () => {
      const { kvi, store } = bench.open();
      const lock = await kvi.lock('a');
      await lock.release();
      for (const name of ['b', 'a', 'b', 'a']) await useLock(kvi, name);
      await bench.clock.advance(LOOK_MS);
      expect(looksOf(store)).toHaveLength(1);
      const [ownKeys] = /^a\/[0-9a-f]+-/.exec(lock.key)!;
      expect(readBy(store).sort()).toEqual([ownKeys, ownKeys.replace('a/', 'b/')]);
      expect(looksOf(store)[0]!.success).toContainEqual(
        expect.objectContaining({ keysOnly: true, limit: 16 }),
      );
    });

    it('under at most 1000 names, those that were used last, 32 in a request', async () => {
      const { kvi, store } = bench.open();
      for (const name of names(1100)) await useLock(kvi, name);
      await bench.clock.advance(LOOK_MS);
      expect(looksOf(store).every(({ success }) => success!.length <= 32)).toBe(true);
      const keys = readBy(store);
      expect(keys).toHaveLength(1000);
      expect(keys.some((key) => key.startsWith('lock-99/'))).toBe(false);
      expect(keys.some((key) => key.startsWith('lock-100/'))).toBe(true);
    });

    it('not under a name that the user may not use, which would spoil the request for all', async () => {
      const { kvi, store } = bench.open();
      await useLock(kvi, 'warm-up');
      store.intercept('txn', () => Promise.reject(new PermissionDeniedError('no rights')));
      await expect(kvi.lock('secret')).rejects.toBeInstanceOf(PermissionDeniedError);
      store.intercept('txn', undefined);
      await bench.clock.advance(LOOK_MS);
      expect(readBy(store)).toEqual([expect.stringMatching(/^warm-up\//)]);
    });

    it('no more under a lease that was lost', async () => {
      const { kvi, store } = bench.open();
      await useLock(kvi, 'jobs');
      const { key } = await kvi.lock('jobs');
      const lease = key.slice('jobs/'.length).split('-')[0]!;
      await bench.foreign.leaseRevoke(lease);
      await bench.clock.advance(0);
      await useLock(kvi, 'other');
      await bench.clock.advance(LOOK_MS);
      const [look, ...others] = readBy(store);
      expect(look).toMatch(/^other\//);
      expect(look).not.toContain(lease);
      expect(others).toEqual([]);
    });

    it('no more once the handle closes', async () => {
      const { kvi, store } = bench.open();
      await useLock(kvi, 'jobs');
      await kvi.lock('jobs');
      await kvi.close();
      expect(bench.clock.timerCount()).toBe(0);
      await bench.clock.advance(LAST_LOOK_MS);
      expect(looksOf(store)).toHaveLength(0);
    });

    it('in vain by a look that is answered when the handle has closed', async () => {
      const { kvi, store } = bench.open();
      await useLock(kvi, 'warm-up');
      const arrive = repeatable(store);
      await useLock(kvi, 'jobs');
      await arrive();
      let answer = (): void => {};
      store.intercept('txn', async (proceed) => {
        const response = await proceed();
        await new Promise<void>((resolve) => (answer = resolve));
        return response;
      });
      await bench.clock.advance(LOOK_MS);
      await kvi.close();
      answer();
      await bench.clock.advance(LAST_LOOK_MS);
      expect(requestsOf(store, isRemoval)).toHaveLength(2);
      expect(bench.clock.timerCount()).toBe(0);
    });
  });
});
