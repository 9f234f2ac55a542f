import { beforeEach, describe, expect, it } from '@jest/globals';
import { GrowingPause } from '../../lib/store/growing-pause.js';
import { TestClock } from '../../lib/testing/test-clock.js';

describe('a growing pause', () => {
  const never = new AbortController().signal;
  let clock: TestClock;
  let retries: GrowingPause;
  beforeEach(() => {
    clock = new TestClock();
    retries = new GrowingPause(clock);
  });

  /** How long the next pause is. */
  async function nextMs(mostMs?: number): Promise<number> {
    const start = clock.now();
    const ends: number[] = [];
    void retries.beforeNextTry(never, mostMs).then(() => ends.push(clock.now()));
    await clock.advance(0);
    while (ends.length === 0) await clock.advance(10);
    return ends[0]! - start;
  }

  it('lets the second try begin at once, and each later one after twice the time, up to a second', async () => {
    const lengths: number[] = [];
    for (let tries = 0; tries < 9; tries++) lengths.push(await nextMs());
    expect(lengths).toEqual([0, 20, 40, 80, 160, 320, 640, 1000, 1000]);
  });

  it('is no longer than the time that is left', async () => {
    for (let tries = 0; tries < 5; tries++) await nextMs();
    expect(await nextMs(50)).toBe(50);
    expect(await nextMs(-1)).toBe(0);
  });

  it('begins anew after a success', async () => {
    for (let tries = 0; tries < 5; tries++) await nextMs();
    retries.reset();
    expect(await nextMs()).toBe(0);
  });

  it('ends with the signal', async () => {
    await nextMs();
    const ending = new AbortController();
    const ended = retries.beforeNextTry(ending.signal);
    ending.abort();
    await ended;
    expect(clock.now()).toBe(0);
    expect(clock.timerCount()).toBe(0);
  });
});
