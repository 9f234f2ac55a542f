import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DELETE, type KeyChange, PUT } from '../../lib/kvi/key-change.js';
import { RequestTimeoutError, UnavailableError } from '../../lib/store/errors.js';
import type { Watch } from '../../lib/store/store.js';
import type { InterceptedStore } from '../support/intercepted-store.js';
import { Workbench } from '../support/workbench.js';

/** Lets a test break a store's watches; those that are begun meanwhile fail. */
function breakable(store: InterceptedStore): { cut(): void; mend(): void } {
  const cuts = new Set<(error: Error) => void>();
  const open = async <T>(proceed: () => Promise<T>): Promise<T> => {
    const watch = (await proceed()) as Watch;
    const broken = new Promise<never>((_resolve, reject) => cuts.add(reject));
    broken.catch(() => {});
    const next = (): Promise<unknown> => Promise.race([broken, watch.next()]);
    const end = { cancel: () => watch.cancel(), requestProgress: () => watch.requestProgress() };
    return { next, cutOffMs: undefined, ...end } as T;
  };
  store.intercept('watch', open);
  return {
    cut() {
      store.intercept('watch', () => Promise.reject(new UnavailableError('down')));
      for (const reject of cuts) reject(new UnavailableError('cut'));
      cuts.clear();
    },
    mend: () => store.intercept('watch', open),
  };
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

  it('that is cut off says since when, and misses nothing', async () => {
    const { kvi, store } = bench.open();
    const line = breakable(store);
    const view = await kvi.observe({ prefix: 'k/' });
    const told: (string | undefined)[] = [];
    view.onChange(({ value }) => told.push(value));
    line.cut();
    await put('k/a', '1');
    await put('k/a', '2');
    await bench.clock.advance(3000);
    expect(view.isCurrent).toBe(false);
    expect(Date.now() - view.staleSince!.getTime()).toBeGreaterThanOrEqual(3000);
    expect(view.size).toBe(0);
    line.mend();
    await bench.clock.advance(5000);
    expect([view.isCurrent, view.staleSince, view.get('k/a')]).toEqual([true, undefined, '2']);
    expect(told).toEqual(['1', '2']);
    expect(bench.logger.at('warn')[0]).toMatch(
      /^The view of 'k\/…' cannot be followed: UnavailableError: cut/,
    );
  });

  it('that missed what was compacted tells the differences, as changes', async () => {
    const { kvi, store } = bench.open();
    for (const key of ['gone', 'kept', 'changed', 'touched']) await put(`k/${key}`, 'before');
    const line = breakable(store);
    const view = await kvi.observe({ prefix: 'k/' });
    const changes: Omit<KeyChange, 'revision'>[] = [];
    view.onChange(({ revision: _, ...change }) => changes.push(change));
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
      { key: 'k/gone', op: DELETE, value: undefined, prevValue: 'before' },
      { key: 'k/changed', op: PUT, value: 'now', prevValue: 'before' },
      { key: 'k/new', op: PUT, value: 'now' },
      { key: 'k/touched', op: PUT, value: 'before', prevValue: 'before' },
    ]);
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

    it('is not in step while a change is on its way, and says so at its time', async () => {
      const { kvi, store } = bench.open({ requestTimeoutMs: 2000 });
      store.intercept('watch', async (proceed) => {
        const watch = (await proceed()) as Watch;
        const deaf = { next: () => new Promise(() => {}), cancel: () => watch.cancel() };
        return { ...deaf, requestProgress: () => {}, cutOffMs: undefined } as never;
      });
      const view = await kvi.observe('k');
      await put('k', '1');
      const synced = expect(view.sync()).rejects.toBeInstanceOf(RequestTimeoutError);
      await bench.clock.advance(2000);
      await synced;
      expect(view.has('k')).toBe(false);
    });
  });

  it('leaves neither watch nor timer when it is closed in an outage', async () => {
    const { kvi, store } = bench.open();
    const line = breakable(store);
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
});
