import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { systemClock as realClock, type Clock } from '../../lib/store/clock.js';
import { block } from '../support/block.js';

describe('systemClock', () => {
  describe('now', () => {
    it('never goes back, and keeps step with the monotonic clock', () => {
      const start = { before: performance.now(), clock: realClock.now(), behind: performance.now() };
      let last = start.clock;
      while (performance.now() - start.before < 50) {
        const now = realClock.now();
        expect(now).toBeGreaterThanOrEqual(last);
        last = now;
      }
      const atLeast = performance.now() - start.behind;
      const elapsed = realClock.now() - start.clock;
      const atMost = performance.now() - start.before;
      expect(elapsed).toBeGreaterThan(atLeast - 0.001);
      // The boot clock counts in steps of 10 ms.
      expect(elapsed).toBeLessThan(atMost + 10);
    });

    it('goes on between the steps of the boot clock', () => {
      let last = realClock.now();
      for (let reading = 0; reading < 50; reading++) {
        block(1);
        const now = realClock.now();
        expect(now).toBeGreaterThan(last);
        last = now;
      }
    });

    it('counts the time in which the machine was suspended', async () => {
      let bootSec = 1_000;
      jest.resetModules();
      jest.unstable_mockModule('node:os', () => ({ uptime: () => bootSec }));
      const suspended = (await import('../../lib/store/clock.js')).systemClock;
      const start = suspended.now();
      bootSec += 3_600;
      expect(suspended.now() - start).toBeGreaterThanOrEqual(3_600_000 - 1_000);
    });
  });

  describe('setTimer', () => {
    const calls: string[] = [];
    let systemClock: Clock;
    let bootSec = 0;
    beforeEach(async () => {
      calls.length = 0;
      bootSec = 0;
      jest.useFakeTimers();
      jest.resetModules();
      jest.unstable_mockModule('node:os', () => ({ uptime: () => bootSec }));
      ({ systemClock } = await import('../../lib/store/clock.js'));
    });
    afterEach(() => {
      jest.useRealTimers();
    });

    it('runs its callback once, after the delay', () => {
      systemClock.setTimer(100, () => calls.push('ran'));
      jest.advanceTimersByTime(99);
      expect(calls).toEqual([]);
      jest.advanceTimersByTime(1_000);
      expect(calls).toEqual(['ran']);
    });

    it('never runs before its time has come on the clock itself', () => {
      // The boot clock is read in steps: a timer set just after one is due before Node's own clock has got there.
      bootSec = 0.02;
      systemClock.setTimer(100, () => calls.push(`ran at ${systemClock.now()}`));
      jest.advanceTimersByTime(100);
      expect(calls).toEqual([]);
      jest.advanceTimersByTime(10);
      expect(calls).toEqual(['ran at 110']);
    });

    it('takes a negative delay for none', () => {
      systemClock.setTimer(-5, () => calls.push('ran'));
      jest.advanceTimersByTime(1);
      expect(calls).toEqual(['ran']);
    });

    it('can be cancelled, twice and after it ran, too', () => {
      const cancel = systemClock.setTimer(100, () => calls.push('cancelled'));
      const cancelLate = systemClock.setTimer(100, () => calls.push('ran'));
      cancel();
      cancel();
      jest.advanceTimersByTime(1_000);
      cancelLate();
      expect(calls).toEqual(['ran']);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('waits longer than setTimeout can, and can be cancelled all that time', () => {
      const thirtyDays = 30 * 24 * 3600 * 1000;
      systemClock.setTimer(thirtyDays, () => calls.push('ran'));
      const cancel = systemClock.setTimer(thirtyDays, () => calls.push('cancelled'));
      jest.advanceTimersByTime(thirtyDays - 1);
      expect(calls).toEqual([]);
      cancel();
      jest.advanceTimersByTime(1);
      expect(calls).toEqual(['ran']);
    });
  });

  it.each([
    ['keeps the process alive', false, 1],
    ['does not keep the process alive when it is a background timer', true, 0],
  ])('setTimer %s', (_, background, expected) => {
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    const cancel = realClock.setTimer(60_000, () => {}, { background });
    expect(timers() - before).toBe(expected);
    cancel();
    expect(timers()).toBe(before);
  });
});
