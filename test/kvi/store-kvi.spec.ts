import { getMaxListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { ClosedError, UnavailableError } from '../../lib/store/errors.js';
import { aborted, gate, rejectionOf } from '../contract/backend.js';
import { Workbench } from '../support/workbench.js';

describe('a handle', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.dispose());

  it('names no value in the message that refuses it', async () => {
    const { kvi } = bench.open();
    const store = kvi.store.bind(kvi) as (key: string, value: unknown) => Promise<void>;
    expect(((await rejectionOf(store('pin', 481_516))) as Error).message).not.toContain('481516');
  });

  it('refuses a lock whose keys would lie among the reserved', async () => {
    const { kvi } = bench.open();
    await expect(kvi.lock('\0hmetcd')).rejects.toThrow(/^name must not lie under/);
    await expect(kvi.withLock('\0hmetcd', {}, async () => {})).rejects.toThrow(/^name must not lie under/);
  });

  it('lets one signal end any number of calls without a warning of Node', async () => {
    const { kvi } = bench.open();
    const signals = [new AbortController().signal, new AbortController().signal];
    await kvi.lock('jobs', { signal: signals[0] });
    kvi.changes('k', { signal: signals[1] });
    expect(signals.map((signal) => getMaxListeners(signal))).toEqual([Infinity, Infinity]);
  });

  it('that closes gives ClosedError to those that wait, also where the store fails what they ask', async () => {
    const [holder, { kvi, store }] = [bench.open(), bench.open()];
    await holder.kvi.lock('jobs');
    await (await kvi.lock('warm-up')).release();
    const cut = gate();
    for (const verb of ['range', 'revision'] as const) {
      store.intercept(verb, async () => {
        await cut.opened;
        throw new UnavailableError('the channel was closed');
      });
    }
    const waiting = [
      kvi.watch('k'),
      kvi.watch('k', { signal: new AbortController().signal }),
      kvi.lock('jobs'),
    ];
    const errors = waiting.map((call) => rejectionOf(call));
    const loop = kvi.changes('k').next();
    await bench.clock.advance(0);
    const closed = kvi.close();
    cut.open();
    for (const error of await Promise.all(errors)) expect(error).toBeInstanceOf(ClosedError);
    expect(await loop).toEqual({ done: true, value: undefined });
    await closed;
  });

  it("ends a wait with the signal's reason, also where the store fails what it asks", async () => {
    const { kvi, store } = bench.open();
    const [cut, reason, controller] = [gate(), new Error('enough'), new AbortController()];
    store.intercept('revision', async () => {
      await cut.opened;
      throw new UnavailableError('down');
    });
    const { signal } = controller;
    const errors = [kvi.watch('k', { signal }), kvi.changes('k', { signal }).next()].map((call) =>
      rejectionOf(call),
    );
    await bench.clock.advance(0);
    controller.abort(reason);
    cut.open();
    expect(await Promise.all(errors)).toEqual([reason, reason]);
  });

  it('aborts the signals of its locks before it revokes its lease', async () => {
    const { kvi, store } = bench.open();
    const lock = await kvi.lock('jobs');
    const told: boolean[] = [];
    store.intercept('leaseRevoke', (proceed) => {
      told.push(lock.signal.aborted);
      return proceed();
    });
    await kvi.close();
    expect(told).toEqual([true]);
  });

  describe('whose logger throws', () => {
    const broken = (): never => {
      throw new Error('the log is closed');
    };
    const logger = { debug: broken, log: broken, warn: broken, error: broken };

    it('tells every holder of a lost session', async () => {
      const { kvi } = bench.open({ logger });
      const locks = [await kvi.lock('a'), await kvi.lock('b')];
      bench.clock.skip(10_000);
      for (const lock of locks) expect(lock.isHeld).toBe(false);
      for (const lock of locks) expect(lock.signal.aborted).toBe(true);
    });

    it('closes, and ends its lease', async () => {
      const { kvi } = bench.open({ logger, shutdownTimeoutMs: 0 });
      await kvi.lock('jobs');
      await kvi.tempKey('member');
      const leave = gate();
      await kvi.watchWithCB('member', 1, () => leave.opened);
      await kvi.tempKey('member');
      await bench.clock.advance(0);
      const closed = kvi.close();
      await bench.clock.advance(0);
      await closed;
      leave.open();
      expect(await bench.keys()).toEqual([]);
    });
  });

  describe('that closes under a function that goes on', () => {
    const leave = gate();
    let kvi: Kvi;
    let store: ReturnType<Workbench['open']>['store'];
    let lockKey: string;

    beforeEach(async () => {
      ({ kvi, store } = bench.open({ shutdownTimeoutMs: 0 }));
      const entered = gate();
      const running = kvi.withLock('long', {}, async (lock) => {
        lockKey = lock.key;
        entered.open();
        await aborted(lock.signal);
        await leave.opened;
      });
      running.catch(() => {});
      await entered.opened;
    });

    afterEach(() => leave.open());

    /** Closes while a call's txn is held up, and lets it through when `close` has got as far as it gets without. */
    async function closeWhile(held: 'request' | 'answer', call: () => Promise<unknown>): Promise<unknown> {
      const letThrough = gate();
      store.intercept('txn', async (proceed) => {
        if (held === 'request') await letThrough.opened;
        const answer = await proceed();
        await letThrough.opened;
        return answer;
      });
      const outcome = call().catch((error: unknown) => error);
      await bench.clock.advance(0);
      const closed = kvi.close();
      for (let i = 0; i < 10; i++) await bench.clock.advance(0);
      letThrough.open();
      await closed;
      return outcome;
    }

    it.each(['request', 'answer'] as const)(
      'deletes a temporary key that was just being put (%s)',
      async (held) => {
        await closeWhile(held, () => kvi.tempKey('member'));
        expect(await bench.keys()).toEqual([lockKey]);
      },
    );

    it.each(['request', 'answer'] as const)(
      'deletes the key of a lock that was just being acquired (%s)',
      async (held) => {
        expect(await closeWhile(held, () => kvi.lock('other'))).toBeInstanceOf(ClosedError);
        expect(await bench.keys()).toEqual([lockKey]);
      },
    );

    it('deletes a temporary key that was asked for twice, whichever answer came first', async () => {
      const [first, second] = [gate(), gate()];
      const answers = [first, second];
      store.intercept('txn', async (proceed) => {
        const answer = await proceed();
        await answers.shift()?.opened;
        return answer;
      });
      const owned = [kvi.tempKey('member'), kvi.tempKey('member')];
      await bench.clock.advance(0);
      second.open();
      await owned[1];
      first.open();
      await owned[0];
      const closed = kvi.close();
      await bench.clock.advance(0);
      await closed;
      expect(await bench.keys()).toEqual([lockKey]);
    });

    it('leaves a temporary key alone that another has taken over unseen', async () => {
      store.intercept('watch', () => Promise.reject(new UnavailableError('down')));
      await kvi.tempKey('member');
      await bench.foreign.txn({ success: [{ type: 'put', key: 'member', value: 'of another' }] });
      const closed = kvi.close();
      await bench.clock.advance(0);
      await closed;
      expect(await bench.keys()).toEqual([lockKey, 'member']);
    });

    it('deletes the key of a lock that was just being released', async () => {
      const other = await kvi.lock('other');
      expect(await closeWhile('request', () => other.release())).toBeUndefined();
      expect(await bench.keys()).toEqual([lockKey]);
    });

    it('deletes what it can where the deletion of one key fails, and keeps nothing alive', async () => {
      await kvi.lock('other');
      await kvi.lock('another');
      store.intercept('txn', async (proceed, request) => {
        if (JSON.stringify(request).includes('"another/')) throw new UnavailableError('down');
        await bench.clock.advance(0);
        return proceed();
      });
      const closed = kvi.close();
      for (let i = 0; i < 10; i++) await bench.clock.advance(0);
      await closed;
      expect(await bench.keys()).toEqual([expect.stringMatching(/^another\//), lockKey]);
      expect(bench.logger.at('warn')).toContainEqual(expect.stringContaining('not ended in the store'));
      await bench.clock.advance(10_000);
      expect(await bench.keys()).toEqual([]);
      expect(bench.logger.at('error')).toEqual([]);
      expect(bench.clock.timerCount()).toBe(0);
    });
  });

  it('that is closed refuses a range that is empty, too', async () => {
    const { kvi } = bench.open();
    await kvi.close();
    await expect(kvi.getRange('b', 'a')).rejects.toBeInstanceOf(ClosedError);
  });
});
