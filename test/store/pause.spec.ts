import { describe, expect, it } from '@jest/globals';
import { pause } from '../../lib/store/pause.js';
import { TestClock } from '../../lib/testing/test-clock.js';

describe('pause', () => {
  it('is over when its time is, and not before', async () => {
    const clock = new TestClock();
    let isOver = false;
    const over = pause(clock, 500, new AbortController().signal).then(() => (isOver = true));
    expect(clock.timerCount({ background: false })).toBe(1);
    await clock.advance(499);
    expect(isOver).toBe(false);
    await clock.advance(1);
    await over;
  });

  it('keeps no process alive in the background', async () => {
    const clock = new TestClock();
    const over = pause(clock, 500, new AbortController().signal, { background: true });
    expect([clock.timerCount(), clock.timerCount({ background: false })]).toEqual([1, 0]);
    await clock.advance(500);
    await over;
  });

  it('is over at once when the signal aborts, or has', async () => {
    const clock = new TestClock();
    const controller = new AbortController();
    const paused = pause(clock, 500, controller.signal);
    controller.abort();
    await paused;
    await pause(clock, 500, controller.signal);
    expect(clock.timerCount()).toBe(0);
  });
});
