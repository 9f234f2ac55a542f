import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { InvalidArgumentError } from '../../lib/store/errors.js';
import { TestClock } from '../../lib/testing/test-clock.js';
import { RecordingLogger } from '../support/recording-logger.js';

const rings = (clock: TestClock, ms: number): Promise<void> =>
  new Promise((resolve) => {
    clock.setTimer(ms, resolve);
  });

/** How many timers Node has that keep the process alive. */
const timeouts = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

describe('a TestClock that stands still', () => {
  it('rings nothing by itself', async () => {
    const clock = new TestClock();
    const before = timeouts();
    const rung = jest.fn();
    clock.setTimer(0, rung);
    expect(timeouts()).toBe(before);
    await turn();
    expect(rung).not.toHaveBeenCalled();
    expect(clock.now()).toBe(0);
  });

  it('rings what comes due when it is moved, each at its time, the earlier set first among equals', async () => {
    const clock = new TestClock();
    const rung: string[] = [];
    const note = (what: string) => () => void rung.push(`${what} at ${clock.now()}`);
    clock.setTimer(20, note('third'));
    clock.setTimer(10, note('first'));
    clock.setTimer(10, note('second'));
    clock.setTimer(31, note('too late'));
    const cancel = clock.setTimer(5, note('cancelled'));
    cancel();
    await clock.advance(30);
    expect(rung).toEqual(['first at 10', 'second at 10', 'third at 20']);
    expect(clock.now()).toBe(30);
    expect(clock.timerCount()).toBe(1);
  });

  it('lets what a timer has started come to rest before the next, timers that it sets included', async () => {
    const clock = new TestClock();
    const seen: string[] = [];
    const work = async (): Promise<void> => {
      for (let i = 0; i < 100; i++) await Promise.resolve();
      seen.push(`work at ${clock.now()}`);
      clock.setTimer(5, () => seen.push(`its timer at ${clock.now()}`));
    };
    clock.setTimer(10, () => void work());
    clock.setTimer(20, () => seen.push(`next at ${clock.now()}`));
    await clock.advance(20);
    expect(seen).toEqual(['work at 10', 'its timer at 15', 'next at 20']);
  });

  it('lets everything come to rest at the end, what takes a few turns of the event loop, too', async () => {
    const clock = new TestClock();
    let isDone = false;
    void (async () => {
      for (let i = 0; i < 4; i++) await turn();
      isDone = true;
    })();
    await clock.advance(0);
    expect(isDone).toBe(true);
  });

  it('skips time in which nothing runs', async () => {
    const clock = new TestClock();
    const rung = jest.fn();
    clock.setTimer(10, rung);
    clock.skip(1000);
    await turn();
    expect(clock.now()).toBe(1000);
    expect(rung).not.toHaveBeenCalled();
    await clock.advance(0);
    expect(rung).toHaveBeenCalledTimes(1);
    expect(clock.now()).toBe(1000);
  });

  it.each([-1, Number.NaN, Infinity, '5' as unknown as number])('refuses to move by %p', async (ms) => {
    const clock = new TestClock();
    await expect(clock.advance(ms)).rejects.toThrow(InvalidArgumentError);
    expect(() => clock.skip(ms)).toThrow(/^ms must be a finite number of milliseconds/);
  });
});

describe('a TestClock that was started', () => {
  const clocks: TestClock[] = [];
  const started = (): TestClock => {
    const clock = new TestClock();
    clocks.push(clock);
    clock.start();
    return clock;
  };
  afterEach(() => {
    for (const clock of clocks.splice(0)) clock.stop();
  });

  it('goes on by itself, and rings what was set before it was started', async () => {
    const clock = new TestClock();
    clocks.push(clock);
    const rung = rings(clock, 10);
    clock.start();
    await rung;
    expect(clock.now()).toBeGreaterThanOrEqual(10);
  });

  it('rings at once what is far away, when it is moved there', async () => {
    const clock = started();
    const rung = jest.fn();
    clock.setTimer(3_600_000, rung);
    await clock.advance(3_600_000);
    expect(rung).toHaveBeenCalledTimes(1);
    expect(clock.now()).toBeGreaterThanOrEqual(3_600_000);
  });

  it('goes on from where it was moved to', async () => {
    const clock = started();
    const [byAdvance, bySkip] = [rings(clock, 3_600_000), rings(clock, 7_200_000)];
    await clock.advance(3_600_000 - 20);
    await byAdvance;
    clock.skip(3_600_000);
    await bySkip;
    expect(clock.now()).toBeLessThan(7_200_000 + 60_000);
  });

  it('rings late what came due while nothing ran', async () => {
    const clock = started();
    const rung = jest.fn();
    clock.setTimer(1000, rung);
    const late = rings(clock, 1000);
    clock.skip(5000);
    expect(rung).not.toHaveBeenCalled();
    await late;
    expect(rung).toHaveBeenCalledTimes(1);
  });

  it('stops, and goes on', async () => {
    const clock = started();
    const before = timeouts();
    const rung = rings(clock, 10);
    expect(timeouts()).toBe(before + 1);
    clock.stop();
    expect(timeouts()).toBe(before);
    const stoppedAt = clock.now();
    await new Promise((resolve) => setTimeout(resolve, 15));
    expect(clock.now()).toBe(stoppedAt);
    clock.start();
    await rung;
  });

  it('keeps the process alive for what is not in the background', () => {
    const clock = started();
    const before = timeouts();
    clock.setTimer(1000, () => {}, { background: true });
    expect(timeouts()).toBe(before);
    const cancel = clock.setTimer(1000, () => {});
    expect(timeouts()).toBe(before + 1);
    cancel();
    expect(timeouts()).toBe(before);
  });

  it('does not take a very long time for none', async () => {
    const clock = started();
    const rung = jest.fn();
    clock.setTimer(2 ** 40, rung, { background: true });
    await rings(clock, 5);
    expect(rung).not.toHaveBeenCalled();
  });

  it('does not look again and again whether a very long time is over', async () => {
    const clock = started();
    clock.setTimer(2 ** 40, () => {}, { background: true });
    const looks = jest.spyOn(clock, 'now');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(looks).not.toHaveBeenCalled();
  });
});

describe("beside Jest's fake timers", () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('goes its own way: they do not move it, nor does it move them', async () => {
    jest.useFakeTimers();
    const clock = new TestClock();
    clock.start();
    const faked = jest.fn();
    setTimeout(faked, 1000);
    const rung = jest.fn();
    clock.setTimer(60_000, rung);
    jest.advanceTimersByTime(999);
    expect(clock.now()).toBeLessThan(30_000);
    await clock.advance(60_000);
    expect(rung).toHaveBeenCalledTimes(1);
    expect(faked).not.toHaveBeenCalled();
    await rings(clock, 5);
    clock.stop();
  });

  it('goes its own way where they were there before it', async () => {
    jest.useFakeTimers();
    jest.resetModules();
    const { TestStore } = await import('../../lib/testing/test-store.js');
    const store = new TestStore();
    const kvi = await store.open({ logger: new RecordingLogger() });
    const held = await kvi.lock('jobs');
    store.faults.freeze();
    await store.clock.advance(20_000);
    expect(held.isHeld).toBe(false);
    store.faults.thaw();
    await kvi.close();
  });
});
