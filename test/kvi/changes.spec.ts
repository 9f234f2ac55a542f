import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ChangeStream } from '../../lib/kvi/changes.js';
import { PUT } from '../../lib/kvi/key-change.js';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { TimeLimit } from '../../lib/kvi/time-limit.js';
import { CompactedError, UnavailableError } from '../../lib/store/errors.js';
import { rejectionOf } from '../contract/backend.js';
import { TestClock } from '../../lib/testing/test-clock.js';
import { Workbench } from '../support/workbench.js';

/** Waiting costs a little; a write that waited for each of the streams by itself took a hundred times as long. */
const MANY_TIMES = 15;

const noLimit = (): TimeLimit => new TimeLimit(new TestClock(), undefined, () => new Error('late'), []);

describe('a change stream', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.dispose());

  it('ends with the revision to restart from when the history it needs is gone', async () => {
    const { kvi } = bench.open();
    const changes = kvi.changes('k');
    for (const value of ['1', '2', '3', '4']) await kvi.store('k', value);
    const { revision } = await kvi.snapshot('k');
    bench.database.compact(revision - 1);
    const error = await changes.next().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CompactedError);
    expect((error as CompactedError).revision).toBe(revision);
    const again = kvi.changes('k', { fromRevision: (error as CompactedError).revision });
    expect((await again.next()).value).toMatchObject({ value: '4', revision });
  });

  it('of an idle range does not fall behind compaction', async () => {
    const { kvi } = bench.open();
    const changes = kvi.changes('k');
    const next = changes.next();
    for (let i = 0; i < 10; i++) await kvi.store('other', String(i));
    bench.database.compact((await kvi.snapshot('k')).revision);
    await kvi.store('k', 'v');
    expect((await next).value).toMatchObject({ value: 'v' });
  });

  it.each<[string, (kvi: Kvi) => Promise<void>]>([
    ['a write', (kvi) => kvi.store('member', '')],
    ['a temporary key', (kvi) => kvi.tempKey('member')],
  ])('sees %s that is asked for after it, however long its start takes', async (_what, write) => {
    const { kvi, store } = bench.open();
    store.intercept('revision', async (proceed) => {
      await bench.clock.advance(0);
      return proceed();
    });
    const change = kvi.watch('member');
    await write(kvi);
    expect(await change).toMatchObject({ op: PUT });
  });

  it('sees a write that is asked for after it, also where a later stream has started before it', async () => {
    const { kvi, store } = bench.open();
    store.intercept('revision', async (proceed, key) => {
      if (key === 'slow') await bench.clock.advance(0);
      return proceed();
    });
    const change = kvi.watch('slow');
    kvi.changes('fast');
    await kvi.store('slow', 'v');
    expect(await change).toMatchObject({ value: 'v' });
  });

  it('shows nothing of what the library keeps for itself', async () => {
    const { kvi } = bench.open();
    const changes = kvi.changes({ prefix: '' });
    await kvi.tempKey('member');
    await kvi.store('k', 'v');
    const keys = [(await changes.next()).value, (await changes.next()).value].map((change) => change?.key);
    expect(keys).toEqual(['member', 'k']);
  });

  it('that nobody reads keeps no watch', async () => {
    const { kvi, store } = bench.open();
    kvi.changes('k');
    await kvi.store('k', 'v');
    expect(store.countOf('watch')).toBe(0);
  });

  it('that has ended is no longer known to what its handle ends', async () => {
    const { store } = bench.open();
    const [{ signal }, atClose] = [new AbortController(), new Set<() => void>()];
    const streams = ['a', 'b'].map((key) => new ChangeStream(store, key, {}, signal, atClose, noLimit));
    for (const stream of streams) await stream.open();
    expect(atClose.size).toBe(2);
    await streams[0]!.return();
    expect(atClose.size).toBe(1);
  });

  it('that starts beside many costs the writes that wait for them no more than any others', async () => {
    const keys = Array.from({ length: 1500 }, (_, index) => `k/${index}`);
    const timeOf = async (started: () => Promise<void>): Promise<number> => {
      const { kvi } = bench.open();
      const start = performance.now();
      for (const key of keys) kvi.changes(key);
      await started();
      await Promise.all(keys.map((key) => kvi.store(key, 'v')));
      return performance.now() - start;
    };
    const [after, beside]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < 3; turn++) {
      after.push(await timeOf(() => bench.clock.advance(0)));
      beside.push(await timeOf(async () => {}));
    }
    expect(Math.min(...beside)).toBeLessThan(Math.min(...after) * MANY_TIMES);
  });

  it('lets the write go on when its start cannot be read', async () => {
    const { kvi, store } = bench.open();
    store.intercept('revision', () => Promise.reject(new UnavailableError('down')));
    const change = kvi.watch('k');
    const rejection = rejectionOf(change);
    await kvi.store('k', 'v');
    expect(await rejection).toBeInstanceOf(UnavailableError);
  });

  it('that nobody reads and that failed ends no process', async () => {
    const { kvi, store } = bench.open();
    store.intercept('revision', () => Promise.reject(new UnavailableError('down')));
    const changes = kvi.changes('k');
    await bench.clock.advance(0);
    await expect(changes.next()).rejects.toBeInstanceOf(UnavailableError);
  });
});

describe('watchWithCB', () => {
  it('logs and tells that it fell behind compaction', async () => {
    const bench = new Workbench({ historyWeight: 2000 });
    const { kvi } = bench.open();
    let leave = (): void => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const handle = await kvi.watchWithCB('k', PUT, () => left);
    for (let i = 0; i < 50; i++) await kvi.store('k', String(i));
    leave();
    await expect(handle.closed).rejects.toBeInstanceOf(CompactedError);
    expect(bench.logger.at('error')).toEqual([expect.stringContaining("'k'")]);
    await bench.dispose();
  });
});
