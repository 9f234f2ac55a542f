import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { Kvi } from '../../lib/kvi/kvi.js';
import {
  CompactedError,
  LeaseNotFoundError,
  OutcomeUnknownError,
  RequestTimeoutError,
  UnavailableError,
} from '../../lib/store/errors.js';
import type { Watch } from '../../lib/store/store.js';
import type { InterceptedStore } from '../support/intercepted-store.js';
import { Workbench } from '../support/workbench.js';

const TIMEOUT_MS = 5000;

/** The store itself, which knows more, is to be heard first. */
const TELLING_MS = 250;

const silent = (): Promise<never> => new Promise(() => {});

describe('a store that does not answer', () => {
  let bench: Workbench;
  let kvi: Kvi;
  let store: InterceptedStore;
  beforeEach(() => {
    bench = new Workbench();
    ({ kvi, store } = bench.open({ requestTimeoutMs: TIMEOUT_MS, shutdownTimeoutMs: 0 }));
  });
  afterEach(async () => {
    for (const verb of ['range', 'revision', 'txn', 'leaseGrant', 'leaseRevoke', 'watch'] as const) {
      store.intercept(verb, undefined);
    }
    await bench.dispose();
  });

  /** What a call ends with, when. */
  async function endOf(call: Promise<unknown>): Promise<{ error: unknown; atMs: number }> {
    const ends: { error: unknown; atMs: number }[] = [];
    const start = bench.clock.now();
    const take = (error: unknown): void => void ends.push({ error, atMs: bench.clock.now() - start });
    call.then(() => take(undefined), take);
    for (let ms = 0; ends.length === 0 && ms < 10 * TIMEOUT_MS; ms += 50) await bench.clock.advance(50);
    return ends[0] ?? { error: 'nothing', atMs: Infinity };
  }

  function answersAfter(ms: number): <T>(proceed: () => Promise<T>) => Promise<T> {
    return async (proceed) => {
      await new Promise<void>((resolve) => bench.clock.setTimer(ms, resolve));
      return proceed();
    };
  }

  it('is not waited for longer than one call by tempKey, which then puts nothing any more', async () => {
    store.intercept('leaseGrant', answersAfter(TIMEOUT_MS + 1000));
    const { error, atMs } = await endOf(kvi.tempKey('member'));
    expect(error).toBeInstanceOf(RequestTimeoutError);
    expect(atMs).toBe(TIMEOUT_MS + TELLING_MS);
    await bench.clock.advance(2 * TIMEOUT_MS);
    expect(await bench.keys()).toEqual([]);
  });

  it('is not waited for twice by tempKey, which does not know then what became of it', async () => {
    store.intercept('leaseGrant', answersAfter(TIMEOUT_MS - 1000));
    store.intercept('txn', silent);
    const { error, atMs } = await endOf(kvi.tempKey('member'));
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect(atMs).toBe(TIMEOUT_MS + TELLING_MS);
  });

  it('is not waited for after a stream by tempKey', async () => {
    store.intercept('revision', silent);
    void kvi.changes('k');
    expect((await endOf(kvi.tempKey('member'))).atMs).toBe(TIMEOUT_MS + TELLING_MS);
  });

  it('is heard when it says in its time why it failed', async () => {
    const down = new UnavailableError('nobody listens');
    store.intercept('leaseGrant', async () => {
      await new Promise<void>((resolve) => bench.clock.setTimer(TIMEOUT_MS, resolve));
      throw down;
    });
    expect((await endOf(kvi.tempKey('member'))).error).toBe(down);
    expect((await endOf(kvi.lock('jobs', { timeoutSec: 0 }))).error).toBe(down);
  });

  it('is waited for by one try for a lock as long as one call takes', async () => {
    store.intercept('leaseGrant', silent);
    const { error, atMs } = await endOf(kvi.lock('jobs', { timeoutSec: 0 }));
    expect(error).toBeInstanceOf(RequestTimeoutError);
    expect(atMs).toBeLessThanOrEqual(TIMEOUT_MS + TELLING_MS + 250);
  });

  it('is waited for by the start of a watch as long as one call takes, and a late watch is ended', async () => {
    let isCancelled = false;
    store.intercept('revision', answersAfter(TIMEOUT_MS - 1000));
    store.intercept('watch', async (proceed) => {
      const watch = (await answersAfter(TIMEOUT_MS - 1000)(proceed)) as Watch;
      const cancel = (): void => {
        isCancelled = true;
        watch.cancel();
      };
      return { next: () => watch.next(), cancel } as unknown as Awaited<ReturnType<typeof proceed>>;
    });
    const { error, atMs } = await endOf(kvi.watchWithCB('k', 1, () => {}));
    expect(error).toBeInstanceOf(RequestTimeoutError);
    expect(atMs).toBe(TIMEOUT_MS + TELLING_MS);
    await bench.clock.advance(TIMEOUT_MS);
    expect(isCancelled).toBe(true);
  });

  it('holds close up for its own time, that of one call and a second, and signals have aborted by then', async () => {
    const lock = await kvi.lock('jobs');
    const { signal } = lock;
    store.intercept('leaseRevoke', silent);
    const { error, atMs } = await endOf(kvi.close());
    expect(error).toBeUndefined();
    expect(atMs).toBe(TIMEOUT_MS + 1000);
    expect(signal.aborted).toBe(true);
  });
});

describe('a store that contradicts itself for ever', () => {
  const SOME_TURNS = 300;
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.dispose());

  const refusing = async (): Promise<never> => {
    await eventLoopTurn();
    throw new LeaseNotFoundError('no such lease');
  };

  it('and knows no lease that it grants is not asked for another without a pause', async () => {
    const { kvi, store } = bench.open();
    store.intercept('txn', refusing);
    const ended = kvi.tempKey('member').catch((error: unknown) => error);
    for (let turn = 0; turn < SOME_TURNS; turn++) await eventLoopTurn();
    expect(store.countOf('leaseGrant')).toBe(2);
    for (let ms = 0; ms < TIMEOUT_MS + TELLING_MS; ms += 50) await bench.clock.advance(50);
    expect(store.countOf('leaseGrant')).toBeLessThan(15);
    expect(store.countOf('leaseGrant')).toBeGreaterThan(5);
    expect(await ended).toBeInstanceOf(Error);
  });

  it('and did not know a lease only once is asked again at once', async () => {
    const { kvi, store } = bench.open();
    store.intercept('txn', async () => {
      store.intercept('txn', undefined);
      return refusing();
    });
    await kvi.tempKey('member');
    expect(bench.clock.now()).toBe(0);
  });

  it('and has compacted whatever a temporary key asks to watch is not asked without a pause', async () => {
    const { kvi, store } = bench.open();
    store.intercept('watch', async (proceed) => {
      const next = async (): Promise<never> => {
        await eventLoopTurn();
        throw new CompactedError('compacted', 9);
      };
      return { ...(await proceed()), next, cancel: () => {} };
    });
    await kvi.tempKey('member');
    for (let turn = 0; turn < SOME_TURNS; turn++) await eventLoopTurn();
    expect(store.countOf('watch')).toBe(2);
    store.intercept('watch', undefined);
  });

  it("and shows no place in a lock's queue that was taken is not asked for another without a pause", async () => {
    const holder = await bench.open().kvi.lock('jobs');
    const { kvi, store } = bench.open();
    store.intercept('range', async (proceed) => {
      await eventLoopTurn();
      return { ...(await proceed()), kvs: [] };
    });
    const entered = (): number =>
      store.calls.filter(
        ({ verb, request }) => verb === 'txn' && JSON.stringify(request).includes('oldestFirst'),
      ).length;
    const granted = kvi.lock('jobs');
    for (let turn = 0; turn < SOME_TURNS; turn++) await eventLoopTurn();
    expect(entered()).toBe(2);
    await bench.clock.advance(10_000);
    expect(entered()).toBeLessThan(25);
    store.intercept('range', undefined);
    await holder.release();
    await bench.clock.advance(2000);
    expect((await granted).isHeld).toBe(true);
  });
});
