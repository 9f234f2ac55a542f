import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LockLostError } from '../../lib/kvi/errors.js';
import { UnavailableError } from '../../lib/store/errors.js';
import { aborted } from '../contract/backend.js';
import { Workbench } from '../support/workbench.js';

const TTL_MS = 10_000;

describe('a session', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.dispose());

  it('takes its lease on first use, and one for all locks and keys', async () => {
    const { kvi, store } = bench.open();
    await kvi.store('k', 'v');
    await kvi.get('k');
    expect(store.countOf('leaseGrant')).toBe(0);
    await Promise.all([kvi.lock('a'), kvi.lock('b'), kvi.tempKey('member')]);
    expect(store.countOf('leaseGrant')).toBe(1);
  });

  it('is kept alive for as long as its handle is open', async () => {
    const { kvi } = bench.open();
    const lock = await kvi.lock('jobs');
    await bench.clock.advance(20 * TTL_MS);
    lock.assertHeld();
    expect(await bench.keys()).toEqual([lock.key]);
  });

  it('asks for the TTL of the options', async () => {
    const { kvi, store } = bench.open({ sessionTtlSec: 7 });
    await kvi.lock('jobs');
    expect(store.calls.find(({ verb }) => verb === 'leaseGrant')?.request).toBe(7);
  });

  it.each([
    ['fail', () => Promise.reject(new UnavailableError('down'))],
    ['are never answered', () => new Promise<never>(() => {})],
  ])('is lost before the lease can expire when keep-alives %s', async (_how, interceptor) => {
    const { kvi, store } = bench.open();
    const lock = await kvi.lock('jobs');
    await bench.clock.advance(TTL_MS / 2);
    const lastAnswered = Math.floor(TTL_MS / 3);
    store.intercept('leaseKeepAlive', interceptor);
    let keysWhenTold: string[] = [];
    const told = aborted(lock.signal).then(async () => {
      keysWhenTold = await bench.keys();
      return bench.clock.now();
    });
    await bench.clock.advance(2 * TTL_MS);
    expect(await told).toBeLessThanOrEqual(lastAnswered + TTL_MS - 500);
    expect(keysWhenTold).toEqual([lock.key]);
    expect(await bench.keys()).toEqual([]);
    expect(bench.logger.at('error').filter((line) => line.includes('session was lost'))).toHaveLength(1);
  });

  it('survives keep-alives that fail for a while', async () => {
    const { kvi, store } = bench.open();
    const lock = await kvi.lock('jobs');
    for (let i = 0; i < 10; i++) {
      store.intercept('leaseKeepAlive', () => Promise.reject(new UnavailableError('down')));
      await bench.clock.advance(TTL_MS / 2);
      store.intercept('leaseKeepAlive', undefined);
      await bench.clock.advance(TTL_MS / 2);
    }
    lock.assertHeld();
    expect(bench.logger.at('error')).toEqual([]);
  });

  it('counts from the sending of a keep-alive, not from its answer', async () => {
    const { kvi, store } = bench.open();
    const lock = await kvi.lock('jobs');
    const answerAfterMs = 4000;
    store.intercept('leaseKeepAlive', async (proceed) => {
      const answer = await proceed();
      store.intercept('leaseKeepAlive', () => new Promise<never>(() => {}));
      await new Promise<void>((resolve) => {
        bench.clock.setTimer(answerAfterMs, resolve);
      });
      return answer;
    });
    const told = aborted(lock.signal).then(() => bench.clock.now());
    await bench.clock.advance(3 * TTL_MS);
    expect(await told).toBeLessThan(TTL_MS / 3 + TTL_MS);
  });

  it('counts from the sending of the grant', async () => {
    const { kvi, store } = bench.open();
    store.intercept('leaseKeepAlive', () => new Promise<never>(() => {}));
    store.intercept('leaseGrant', async (proceed) => {
      const lease = await proceed();
      bench.clock.skip(4000);
      return lease;
    });
    const lock = await kvi.lock('jobs');
    const told = aborted(lock.signal).then(() => bench.clock.now());
    await bench.clock.advance(2 * TTL_MS);
    expect(await told).toBeLessThan(TTL_MS);
  });

  it('is lost when the store answers that the lease is gone', async () => {
    const { kvi } = bench.open();
    await kvi.lock('jobs');
    const { kvs } = await bench.foreign.range({ key: 'jobs/', rangeEnd: 'jobs0' });
    await bench.foreign.leaseRevoke(kvs[0]!.lease);
    await bench.clock.advance(TTL_MS);
    expect(bench.logger.at('error')).toContainEqual(
      expect.stringMatching(/session was lost: the store no longer knows/),
    );
  });

  it('is found to be over by assertHeld in a process that was stopped, before any timer has run', async () => {
    const { kvi } = bench.open();
    const lock = await kvi.lock('jobs');
    bench.clock.skip(TTL_MS);
    expect(lock.signal.aborted).toBe(false);
    expect(() => lock.assertHeld()).toThrow(LockLostError);
    expect(lock.signal.aborted).toBe(true);
    expect(lock.signal.reason).toBeInstanceOf(LockLostError);
  });

  it('in a process that was stopped is told to be over before another is granted the lock', async () => {
    const [stopped, other] = [bench.open(), bench.open()];
    const lock = await stopped.kvi.lock('jobs');
    stopped.store.intercept('leaseKeepAlive', () => new Promise<never>(() => {}));
    const next = other.kvi.lock('jobs').then(() => expect(lock.isHeld).toBe(false));
    await bench.clock.advance(2 * TTL_MS);
    await next;
  });

  it('is taken anew after a loss, and brings temporary keys back', async () => {
    const { kvi, store } = bench.open();
    await kvi.tempKey('member');
    store.intercept('leaseKeepAlive', () => Promise.reject(new UnavailableError('down')));
    await bench.clock.advance(TTL_MS);
    store.intercept('leaseKeepAlive', undefined);
    await bench.clock.advance(TTL_MS);
    expect(await bench.keys()).toEqual(['member']);
    expect((await kvi.lock('jobs', { timeoutSec: 0 })).isHeld).toBe(true);
    expect(store.countOf('leaseGrant')).toBe(2);
  });

  it('sets no timer that keeps a process alive, and none at all once it is closed', async () => {
    const { kvi } = bench.open();
    await kvi.lock('jobs', { maxHoldSec: 60 });
    await kvi.tempKey('member');
    expect(bench.clock.timerCount({ background: false })).toBe(0);
    await kvi.close();
    expect(bench.clock.timerCount()).toBe(0);
  });
});
