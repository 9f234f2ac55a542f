import { describe, expect, it } from '@jest/globals';
import { MinHold } from '../../lib/kvi/min-hold.js';
import { TestClock } from '../../lib/testing/test-clock.js';

describe('a minimum hold', () => {
  it('is over when its time since the grant is, without keeping the process alive for it', async () => {
    const clock = new TestClock();
    const minHold = new MinHold(clock, 0.5);
    await clock.advance(300);
    expect(minHold.isOver).toBe(false);
    let isOver = false;
    const over = minHold.over(new AbortController().signal).then(() => (isOver = true));
    expect(clock.timerCount({ background: false })).toBe(0);
    await clock.advance(199);
    expect([isOver, minHold.isOver]).toEqual([false, false]);
    await clock.advance(1);
    await over;
    expect(minHold.isOver).toBe(true);
  });

  it('is over at once when the lock is lost, and leaves no timer', async () => {
    const clock = new TestClock();
    const lost = new AbortController();
    const over = new MinHold(clock, 0.5).over(lost.signal);
    lost.abort();
    await over;
    expect(clock.timerCount()).toBe(0);
  });

  it('is none where no time is given', () => {
    expect(new MinHold(new TestClock()).isOver).toBe(true);
  });
});
