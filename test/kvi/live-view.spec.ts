import { getMaxListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DELETE, type KeyChange, PUT } from '../../lib/kvi/key-change.js';
import {
  ClosedError,
  CompactedError,
  InvalidArgumentError,
  RequestTimeoutError,
  StoreReplacedError,
  UnavailableError,
} from '../../lib/store/errors.js';
import { MemoryDatabase } from '../../lib/store/memory/database.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import type { RangeRequest, Watch, WatchRequest, WatchResponse } from '../../lib/store/store.js';
import { gate, rejectionOf } from '../contract/backend.js';
import { BreakableWatches } from '../support/breakable-watches.js';
import type { InterceptedStore } from '../support/intercepted-store.js';
import { Workbench } from '../support/workbench.js';

function msSince(date: Date): number {
  return Date.now() - date.getTime();
}

describe('a live view', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench({ historyWeight: 2000 });
  });
  afterEach(() => bench.dispose());

  async function put(key: string, value: string): Promise<void> {
    await bench.foreign.txn({ success: [{ type: 'put', key, value }] });
  }

  it('is gone through as a Map is, and refuses what cannot be called', async () => {
    await put('k', 'v');
    await using view = await bench.open().kvi.observe('k');
    const seen: unknown[] = [];
    view.forEach(function (this: unknown, ...args) {
      seen.push(this, ...args);
    }, 'this');
    expect(seen).toEqual(['this', 'v', 'k', view]);
    expect(() => view.forEach(undefined as never)).toThrow(InvalidArgumentError);
  });

  it('that is cut off says since when, and misses nothing', async () => {
    const { kvi, store } = bench.open();
    const line = new BreakableWatches(store);
    const view = await kvi.observe({ prefix: 'k/' });
    const told: (string | undefined)[] = [];
    view.onChange(({ value }) => told.push(value));
    line.cut();
    await put('k/a', '1');
    await put('k/a', '2');
    await bench.clock.advance(3000);
    expect(view.isCurrent).toBe(false);
    expect(msSince(view.staleSince!)).toBeGreaterThanOrEqual(3000);
    expect(view.size).toBe(0);
    line.mend();
    await bench.clock.advance(5000);
    expect([view.isCurrent, view.staleSince, view.get('k/a')]).toEqual([true, undefined, '2']);
    expect(told).toEqual(['1', '2']);
    expect(bench.logger.at('warn')[0]).toMatch(
      /^The view of 'k\/…' cannot be followed: UnavailableError: cut/,
    );
  });

  it('whose watch fails when it was cut off for a while is stale from the beginning of that', async () => {
    const { kvi, store } = bench.open();
    let fail = (_error: Error): void => {};
    store.intercept('watch', async <T>(): Promise<T> => {
      const next = (): Promise<never> =>
        new Promise((_resolve, reject) => {
          fail = reject;
        });
      return { next, cancel() {}, requestProgress() {}, cutOffMs: 5000 } as T;
    });
    const view = await kvi.observe('k');
    expect(msSince(view.staleSince!)).toBeGreaterThanOrEqual(5000);
    store.intercept('watch', () => Promise.reject(new UnavailableError('down')));
    fail(new CompactedError('gone', 2));
    await bench.clock.advance(1000);
    expect(msSince(view.staleSince!)).toBeGreaterThanOrEqual(6000);
  });

  it('that missed what was compacted tells the differences, as changes', async () => {
    const { kvi, store } = bench.open();
    for (const key of ['gone', 'kept', 'changed', 'touched']) await put(`k/${key}`, 'before');
    const line = new BreakableWatches(store);
    const view = await kvi.observe({ prefix: 'k/' });
    const changes: Omit<KeyChange, 'revision'>[] = [];
    const revisions: number[] = [];
    view.onChange(({ revision, ...change }) => {
      changes.push(change);
      revisions.push(revision);
    });
    line.cut();
    await bench.foreign.txn({ success: [{ type: 'delete', key: 'k/gone' }] });
    await put('k/new', 'now');
    await put('k/changed', 'now');
    await put('k/touched', 'before');
    for (let i = 0; i < 100; i++) await put('elsewhere', String(i));
    line.mend();
    await bench.clock.advance(10_000);
    expect([...view]).toEqual([
      ['k/changed', 'now'],
      ['k/kept', 'before'],
      ['k/new', 'now'],
      ['k/touched', 'before'],
    ]);
    expect(changes).toEqual([
      { key: 'k/new', op: PUT, value: 'now' },
      { key: 'k/changed', op: PUT, value: 'now', prevValue: 'before' },
      { key: 'k/touched', op: PUT, value: 'before', prevValue: 'before' },
      { key: 'k/gone', op: DELETE, value: undefined, prevValue: 'before' },
    ]);
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
    expect(revisions.at(-1)).toBe(view.revision);
    expect(view.isCurrent).toBe(true);
    expect(bench.logger.at('warn')).toContainEqual(expect.stringContaining('missed changes'));
  });

  describe('over a store that does not tell how far a watch has come', () => {
    function silence(store: InterceptedStore): void {
      store.intercept('watch', async (proceed) => {
        const watch = (await proceed()) as Watch;
        const silent = { next: () => watch.next(), cancel: () => watch.cancel(), requestProgress: () => {} };
        return { ...silent, cutOffMs: undefined } as never;
      });
    }

    it('is in step when its range looks as it is known', async () => {
      const { kvi, store } = bench.open();
      silence(store);
      const view = await kvi.observe('k');
      await put('elsewhere', '1');
      const { revision } = await kvi.snapshot('k');
      let isSynced = false;
      const synced = view.sync().then(() => (isSynced = true));
      await bench.clock.advance(499);
      expect(isSynced).toBe(false);
      await bench.clock.advance(1);
      await synced;
      expect(view.revision).toBe(revision);
    });

    it('knows better than what comes later from before', async () => {
      const { kvi, store } = bench.open();
      const come = gate();
      store.intercept('watch', async <T>(proceed: () => Promise<T>): Promise<T> => {
        const watch = (await proceed()) as Watch;
        const next = async (): Promise<WatchResponse | undefined> => {
          await come.opened;
          return watch.next();
        };
        const late = { next, cancel: () => watch.cancel(), requestProgress: () => {}, cutOffMs: undefined };
        return late as unknown as T;
      });
      const view = await kvi.observe('k');
      await put('k', 'came');
      await bench.foreign.txn({ success: [{ type: 'delete', key: 'k' }] });
      const synced = view.sync();
      await bench.clock.advance(500);
      await synced;
      const { revision } = view;
      const told: unknown[] = [];
      view.onChange(({ value }) => told.push([value, view.revision]));
      come.open();
      await put('k', 'now');
      await bench.clock.advance(0);
      expect(told).toEqual([['now', revision + 1]]);
    });

    it('does not go back for a look that was late', async () => {
      const { kvi, store } = bench.open();
      silence(store);
      const view = await kvi.observe('k');
      await put('elsewhere', '1');
      const synced = view.sync();
      await bench.clock.advance(0);
      const read = gate();
      store.intercept('range', async (proceed) => {
        const answer = await proceed();
        await read.opened;
        return answer;
      });
      await bench.clock.advance(500);
      await put('k', 'came');
      await bench.foreign.txn({ success: [{ type: 'delete', key: 'k' }] });
      await bench.clock.advance(0);
      const { revision } = view;
      read.open();
      await synced;
      expect(view.revision).toBe(revision);
    });

    it('is not in step while a change is on its way, and says so at its time', async () => {
      const { kvi, store } = bench.open({ requestTimeoutMs: 2000 });
      store.intercept('watch', async (proceed) => {
        const watch = (await proceed()) as Watch;
        const deaf = { next: () => new Promise(() => {}), cancel: () => watch.cancel() };
        return { ...deaf, requestProgress: () => {}, cutOffMs: undefined } as never;
      });
      const view = await kvi.observe('k');
      await put('k', '1');
      const synced = rejectionOf(view.sync());
      await bench.clock.advance(2000);
      expect(await synced).toBeInstanceOf(RequestTimeoutError);
      expect(view.has('k')).toBe(false);
      const reads = store.countOf('range');
      await bench.clock.advance(60_000);
      expect(store.countOf('range')).toBe(reads);
    });
  });

  describe('a sync', () => {
    it('ends in time, with the signal and with the view, though the store does not answer', async () => {
      const { kvi, store } = bench.open({ requestTimeoutMs: 2000 });
      const view = await kvi.observe('k');
      for (const verb of ['range', 'revision'] as const) store.intercept(verb, () => new Promise(() => {}));
      const controller = new AbortController();
      const reason = new Error('enough');
      const byTime = rejectionOf(view.sync());
      const bySignal = rejectionOf(view.sync({ signal: controller.signal }));
      controller.abort(reason);
      expect(await bySignal).toBe(reason);
      await bench.clock.advance(2000);
      expect(await byTime).toBeInstanceOf(RequestTimeoutError);
      const byClose = rejectionOf(view.sync());
      await view.close();
      expect(await byClose).toBeInstanceOf(ClosedError);
      expect(await byClose).toMatchObject({ message: expect.stringContaining("The view of 'k' is closed.") });
      expect(bench.clock.timerCount()).toBe(0);
    });

    it('waits out an outage that ends in time', async () => {
      const { kvi, store } = bench.open({ requestTimeoutMs: 5000 });
      const line = new BreakableWatches(store);
      const view = await kvi.observe('k');
      line.cut();
      const synced = view.sync();
      await bench.clock.advance(1000);
      line.mend();
      await bench.clock.advance(3000);
      await synced;
      expect(view.isCurrent).toBe(true);
    });

    it('may be waited for by many at once', async () => {
      const { kvi } = bench.open();
      const view = await kvi.observe('k');
      const { signal } = new AbortController();
      await Promise.all(Array.from({ length: 50 }, () => view.sync({ signal })));
      expect(getMaxListeners(signal)).toBe(Infinity);
    });

    it('that is over before it begins asks nothing', async () => {
      const { kvi, store } = bench.open();
      const view = await kvi.observe('k');
      const reads = store.countOf('range');
      const reason = new Error('enough');
      expect(await rejectionOf(view.sync({ signal: AbortSignal.abort(reason) }))).toBe(reason);
      await view.close();
      expect(await rejectionOf(view.sync())).toBeInstanceOf(ClosedError);
      expect(store.countOf('range')).toBe(reads);
    });
  });

  it('leaves neither watch nor timer when it is closed in an outage', async () => {
    const { kvi, store } = bench.open();
    const line = new BreakableWatches(store);
    const view = await kvi.observe('k');
    line.cut();
    await bench.clock.advance(1000);
    await view.close();
    await bench.clock.advance(0);
    expect(bench.clock.timerCount()).toBe(0);
    const tries = store.countOf('watch');
    await bench.clock.advance(60_000);
    expect(store.countOf('watch')).toBe(tries);
  });

  it('that cannot be opened says why, and leaves nothing', async () => {
    const { kvi, store } = bench.open();
    store.intercept('watch', () => Promise.reject(new UnavailableError('down')));
    await expect(kvi.observe('k')).rejects.toBeInstanceOf(UnavailableError);
    await bench.clock.advance(60_000);
    expect(store.countOf('watch')).toBe(1);
  });

  describe('closed', () => {
    it('while its watch is begun anew leaves none behind', async () => {
      const { kvi, store } = bench.open();
      const line = new BreakableWatches(store);
      const view = await kvi.observe('k');
      line.cut();
      await bench.clock.advance(1000);
      line.mend();
      const begun = gate();
      store.intercept('watch', async <T>(proceed: () => Promise<T>): Promise<T> => {
        await begun.opened;
        const watch = (await proceed()) as Watch;
        const cancel = (): void => {
          cancelled++;
          watch.cancel();
        };
        return { next: () => new Promise(() => {}), requestProgress() {}, cutOffMs: undefined, cancel } as T;
      });
      let cancelled = 0;
      await bench.clock.advance(5000);
      await view.close();
      begun.open();
      await bench.clock.advance(0);
      expect(cancelled).toBeGreaterThan(0);
      expect(view.isCurrent).toBe(false);
    });

    it('while it is read anew stays as it was', async () => {
      const { kvi, store } = bench.open();
      await put('k', '1');
      const line = new BreakableWatches(store);
      const view = await kvi.observe('k');
      const { revision } = view;
      const read = gate();
      store.intercept('range', async (proceed) => {
        const answer = await proceed();
        await read.opened;
        return answer;
      });
      line.breakNow(new CompactedError('gone', revision + 1));
      await put('k', '2');
      await bench.clock.advance(0);
      await view.close();
      read.open();
      await bench.clock.advance(1000);
      expect([view.get('k'), view.revision, line.openCount]).toEqual(['1', revision, 0]);
    });

    it('by a listener takes in nothing more, though more has come with it', async () => {
      const { kvi, store } = bench.open();
      const come = gate();
      store.intercept('watch', async <T>(proceed: () => Promise<T>): Promise<T> => {
        const watch = (await proceed()) as Watch;
        const next = async (): Promise<WatchResponse | undefined> => {
          await come.opened;
          const [first, second] = [(await watch.next())!, (await watch.next())!];
          return { revision: second.revision, events: [...first.events, ...second.events] };
        };
        return {
          next,
          requestProgress() {},
          cutOffMs: undefined,
          cancel: () => watch.cancel(),
        } as unknown as T;
      });
      const view = await kvi.observe('k');
      const told: unknown[] = [];
      view.onChange(({ value }) => told.push(value));
      view.onChange(() => view.close());
      for (const value of ['1', '2']) await put('k', value);
      come.open();
      await bench.clock.advance(0);
      expect([told, view.get('k')]).toEqual([['1'], '1']);
    });
  });

  describe('in another history', () => {
    /** Puts another store behind the handle, as a restored backup is: with one put of each value. */
    async function replace(store: InterceptedStore, ...values: string[]): Promise<void> {
      const other = new MemoryStore(new MemoryDatabase());
      for (const value of values) await other.txn({ success: [{ type: 'put', key: 'k', value }] });
      store.intercept('range', (_, request) => other.range(request as RangeRequest) as never);
      store.intercept('revision', (_, key) => other.revision(key as string) as never);
      store.intercept('watch', (_, request) => other.watch(request as WatchRequest) as never);
    }

    it('tells of other values, though the revisions are the same', async () => {
      const { kvi, store } = bench.open();
      await put('k', 'old');
      const line = new BreakableWatches(store);
      const view = await kvi.observe('k');
      const told: (string | undefined)[] = [];
      view.onChange(({ value }) => told.push(value));
      await replace(store, 'restored');
      line.breakNow(new StoreReplacedError('another'));
      await bench.clock.advance(0);
      expect([told, view.get('k'), view.isCurrent]).toEqual([['restored'], 'restored', true]);
    });

    it('is in step with that one, though its own revision was higher', async () => {
      const { kvi, store } = bench.open();
      for (const value of ['1', '2', '3']) await put('k', value);
      const line = new BreakableWatches(store);
      const view = await kvi.observe('k');
      const old = view.revision;
      await replace(store, 'restored');
      const synced = view.sync();
      line.breakNow(new StoreReplacedError('another'));
      await synced;
      expect([view.get('k'), view.revision, view.isCurrent]).toEqual(['restored', old - 2, true]);
    });

    it('is read anew although the first try to read failed', async () => {
      const { kvi, store } = bench.open();
      for (const value of ['1', '2', '3']) await put('k', value);
      const line = new BreakableWatches(store);
      const view = await kvi.observe('k');
      store.intercept('range', () => Promise.reject(new UnavailableError('down')));
      line.breakNow(new StoreReplacedError('another'));
      await bench.clock.advance(0);
      await replace(store, 'restored');
      await bench.clock.advance(1000);
      expect([view.get('k'), view.isCurrent]).toEqual(['restored', true]);
      expect(bench.logger.at('warn')).toEqual([
        expect.stringContaining('missed changes'),
        expect.stringContaining('cannot be followed: UnavailableError: down'),
      ]);
    });

    it('is noticed although there was no watch that could tell of it', async () => {
      const { kvi, store } = bench.open();
      for (const value of ['1', '2', '3']) await put('k', value);
      const line = new BreakableWatches(store);
      const view = await kvi.observe('k');
      line.breakNow();
      await replace(store, 'restored');
      await bench.clock.advance(1000);
      expect([view.get('k'), view.isCurrent]).toEqual(['restored', true]);
    });

    it('that came while it waited is what it waits for', async () => {
      const { kvi, store } = bench.open();
      const line = new BreakableWatches(store);
      const view = await kvi.observe('k');
      line.cut();
      for (const value of ['1', '2', '3']) await put('k', value);
      const synced = view.sync();
      await bench.clock.advance(0);
      await replace(store, 'restored');
      line.breakNow(new StoreReplacedError('another'));
      await bench.clock.advance(2000);
      await synced;
      expect([view.get('k'), view.isCurrent]).toEqual(['restored', true]);
    });
  });
});
