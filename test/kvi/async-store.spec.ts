import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { type KeyChange, PUT } from '../../lib/kvi/key-change.js';
import type { HeldLock, Kvi } from '../../lib/kvi/kvi.js';
import type { KviOptions } from '../../lib/kvi/options.js';
import { HmEtcdError } from '../../lib/store/errors.js';
import { makeErratic, Random } from '../support/erratic-store.js';
import { Workbench } from '../support/workbench.js';

/** How much time passes with a turn of the event loop. */
const STEP_MS = 20;

/** Handles on a store that takes its time and fails as often as `failureRate` says; everything follows from the seed. */
class Round {
  readonly bench = new Workbench();
  readonly random: Random;
  /** The keys of the locks that were lost under their function. */
  readonly overrun = new Set<string>();
  readonly #failureRate: number;

  constructor(seed: number, failureRate: number) {
    this.random = new Random(seed);
    this.#failureRate = failureRate;
  }

  open(options: KviOptions = {}): Kvi {
    const { kvi, store } = this.bench.open(options);
    makeErratic(store, this.random, this.#failureRate);
    return kvi;
  }

  openSeveral(count: number, options: KviOptions = {}): Kvi[] {
    return Array.from({ length: count }, () => this.open(options));
  }

  /** Something that runs under a lock for `turns` turns of the event loop at most. */
  async job(lock: HeldLock, turns: number): Promise<void> {
    lock.signal.addEventListener('abort', () => this.overrun.add(lock.key));
    await this.random.pause(turns);
  }

  /** Lets time pass until the work is done. */
  async settle<T>(work: Promise<T>): Promise<T> {
    const state = { isDone: false };
    const done = work.finally(() => (state.isDone = true));
    done.catch(() => {});
    while (!state.isDone) await this.bench.clock.advance(STEP_MS);
    return done;
  }

  /** In steps, so that the calls that come due are answered meanwhile. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) await this.bench.clock.advance(STEP_MS);
  }

  /** What there is when the handles are closed, and what has been put since: keys, and timers of leases or waits. */
  async leftovers(): Promise<{ keys: string[]; keysLater: string[]; timers: number }> {
    const keys = await this.bench.keys();
    for (let i = 0; i < 30; i++) await eventLoopTurn();
    return { keys, keysLater: await this.bench.keys(), timers: this.bench.clock.timerCount() };
  }
}

const NOTHING = { keys: [], keysLater: [], timers: 0 };

/** Plays a scenario with one seed after the other, and says with which it failed. */
async function rounds(
  count: number,
  failureRate: number,
  play: (round: Round) => Promise<void>,
): Promise<void> {
  for (let seed = 1; seed <= count; seed++) {
    const round = new Round(seed, failureRate);
    try {
      await play(round);
    } catch (error) {
      throw new Error(`Failed with seed ${seed}: ${(error as Error).message}`, { cause: error });
    } finally {
      await round.settle(round.bench.dispose());
    }
  }
}

/** A store that fails lets calls fail, but only with the library's own errors. */
function tolerate(error: unknown): void {
  if (!(error instanceof HmEtcdError)) throw error;
}

/** One of the calls that wait or put leased keys, at some time. */
async function anyCall(kvi: Kvi, round: Round): Promise<void> {
  const { random } = round;
  await random.pause(30);
  const [name, key] = [random.pick(['a', 'b']), random.pick(['m1', 'm2'])];
  const call = random.pick<() => Promise<unknown>>([
    () => kvi.tempKey(key),
    () => kvi.tempKey(key).then(() => kvi.delete(key)),
    () => kvi.lock(name),
    () => kvi.lock(name, { timeoutSec: 0 }),
    () => kvi.lock(name, { timeoutSec: 0.1, maxHoldSec: 0.1 }),
    () => kvi.withLock(name, {}, (lock) => round.job(lock, 10)),
    () => kvi.distLock().then(() => kvi.distUnlock()),
    () => kvi.distTimedLock(0.1),
    () => kvi.watch(key),
    () => kvi.watchWithCB(key, PUT, () => random.pause()),
  ]);
  await call().catch(tolerate);
}

describe('over a store that takes its time', () => {
  it('withLock excludes, in call order', async () => {
    await rounds(15, 0, async (round) => {
      let inside = 0;
      const order: number[][] = [[], [], []];
      const calls = round.openSeveral(3).flatMap((kvi, h) =>
        Array.from({ length: 20 }, (_, i) =>
          kvi.withLock('jobs', {}, async () => {
            expect(++inside).toBe(1);
            order[h]!.push(i);
            await round.random.pause();
            inside--;
          }),
        ),
      );
      await round.settle(Promise.all(calls));
      const inCallOrder = Array.from({ length: 20 }, (_, i) => i);
      expect(order).toEqual([inCallOrder, inCallOrder, inCallOrder]);
      expect(await round.bench.keys()).toEqual([]);
    });
  });

  it('locks are granted in the order of their tokens, those given up aside', async () => {
    await rounds(40, 0, async (round) => {
      const tokens: number[] = [];
      const enough = new Error('enough');
      let held = 0;
      const take = async (kvi: Kvi): Promise<void> => {
        await round.random.pause(20);
        const controller = new AbortController();
        const giveUp = (): void => controller.abort(enough);
        if (round.random.below(3) === 0) void round.random.pause(40).then(giveUp);
        const lock = await kvi.lock('jobs', { signal: controller.signal });
        expect(++held).toBe(1);
        tokens.push(lock.fencingToken);
        await round.random.pause();
        held--;
        await lock.release();
      };
      const handles = round.openSeveral(3);
      const calls = Array.from({ length: 12 }, (_, i) =>
        take(handles[i % 3]!).catch((error: unknown) =>
          error === enough ? undefined : Promise.reject(error),
        ),
      );
      await round.settle(Promise.all(calls));
      expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
      expect(await round.bench.keys()).toEqual([]);
    });
  });

  it('a change stream has no gap, and shows every write issued after it', async () => {
    await rounds(40, 0, async (round) => {
      const [one, two] = round.openSeveral(2) as [Kvi, Kvi];
      const log = one.changes({ prefix: '' }, { fromRevision: 2 });
      const seen: { readonly changes: KeyChange[]; readonly mustShow: string[] }[] = [];
      const follow = async (changes: KeyChange[], stream: AsyncIterable<KeyChange>): Promise<void> => {
        await round.random.pause(20);
        for await (const change of stream) {
          changes.push(change);
          if (change.value === 'last') break;
          if (round.random.below(3) === 0) await round.random.pause();
        }
      };
      const running: Promise<unknown>[] = [];
      for (let i = 0; i < 30; i++) {
        if (i % 6 === 0) {
          seen.push({ changes: [], mustShow: [] });
          running.push(follow(seen.at(-1)!.changes, one.changes({ prefix: 'k' })));
        }
        const writer = round.random.pick([one, two]);
        if (writer === one) for (const { mustShow } of seen) mustShow.push(String(i));
        running.push(writer.store(`k${round.random.below(3)}`, String(i)));
        await round.random.pause(6);
      }
      const all: KeyChange[] = [];
      const whole = follow(all, log);
      await round.random.pause(40);
      await round.settle(two.get('barrier'));
      await round.settle(one.store('k', 'last'));
      await round.settle(Promise.all([whole, ...running]));
      for (const { changes, mustShow } of seen) {
        const upToLast = all.slice(-changes.length);
        expect(changes).toEqual(upToLast);
        expect(changes.map(({ value }) => value)).toEqual(expect.arrayContaining(mustShow));
      }
    });
  });

  it('close leaves nothing behind, whenever it comes', async () => {
    await rounds(80, 0, async (round) => {
      const handles = round.openSeveral(2);
      const calls = handles.flatMap((kvi) => Array.from({ length: 8 }, () => anyCall(kvi, round)));
      await round.random.pause(60);
      await round.settle(Promise.all(handles.map((kvi) => round.random.pause(10).then(() => kvi.close()))));
      expect(await round.leftovers()).toEqual(NOTHING);
      await round.settle(Promise.all(calls));
      expect(round.bench.logger.at('warn').filter((line) => line.startsWith('Closing after'))).toEqual([]);
    });
  });

  it('close under a function that goes on leaves only the key of its lock', async () => {
    await rounds(80, 0, async (round) => {
      const kvi = round.open({ shutdownTimeoutMs: round.random.pick([0, 1, 40]) });
      const long = kvi.withLock('long', {}, (lock) => round.job(lock, 400)).catch(tolerate);
      const calls = Array.from({ length: 8 }, () => anyCall(kvi, round));
      await round.random.pause(60);
      await round.settle(kvi.close());
      const left = await round.bench.keys();
      expect([...round.overrun]).toEqual(expect.arrayContaining(left));
      await round.settle(Promise.all([long, ...calls]));
      await round.pass(12_000);
      expect(await round.leftovers()).toEqual(NOTHING);
    });
  });
});

describe('over a store that fails now and then', () => {
  it('withLock excludes, and leaves no key behind', async () => {
    await rounds(30, 0.1, async (round) => {
      let [inside, ran] = [0, 0];
      const guarded = async (lock: HeldLock): Promise<void> => {
        expect(++inside).toBe(1);
        ran++;
        await round.random.pause();
        expect(lock.isHeld).toBe(true);
        inside--;
      };
      const handles = round.openSeveral(3);
      const calls = Array.from({ length: 30 }, async (_, i) => {
        await round.random.pause(40);
        await handles[i % 3]!.withLock('jobs', {}, guarded).catch(tolerate);
      });
      await round.settle(Promise.all(calls));
      expect(ran).toBeGreaterThan(0);
      await round.pass(5000);
      expect(await round.bench.keys()).toEqual([]);
    });
  });

  it('one lock is held at a time, also where leases expire', async () => {
    let granted = 0;
    await rounds(40, 0.4, async (round) => {
      const locks = new Set<HeldLock>();
      const take = async (kvi: Kvi): Promise<void> => {
        await round.random.pause(60);
        const lock = await kvi.lock('jobs');
        expect([...locks].filter(({ isHeld }) => isHeld)).toEqual([]);
        locks.add(lock);
        await round.random.pause(400);
        await lock.release();
      };
      const handles = round.openSeveral(4, { sessionTtlSec: 2 });
      const calls = Array.from({ length: 16 }, (_, i) => take(handles[i % 4]!).catch(tolerate));
      await round.settle(Promise.all(calls));
      granted += locks.size;
    });
    expect(granted).toBeGreaterThan(0);
  });

  it('close leaves nothing behind once the leases are over', async () => {
    await rounds(80, 0.1, async (round) => {
      const handles = round.openSeveral(2);
      const calls = handles.flatMap((kvi) => Array.from({ length: 8 }, () => anyCall(kvi, round)));
      await round.random.pause(60);
      await round.settle(Promise.all(handles.map((kvi) => kvi.close())));
      await round.settle(Promise.all(calls));
      await round.pass(30_000);
      expect(await round.leftovers()).toEqual(NOTHING);
    });
  });
});
