import { describe, expect, it } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { TimeLimit } from '../../lib/kvi/time-limit.js';
import { rejectionOf } from '../contract/backend.js';
import { TestClock } from '../../lib/testing/test-clock.js';

const timeoutError = new Error('time is up');
const never = new Promise<never>(() => {});

describe('a time limit', () => {
  const limitOf = (clock: TestClock, ms: number | undefined, ...sources: AbortSignal[]): TimeLimit =>
    new TimeLimit(clock, ms, () => timeoutError, sources);

  it('gives what was waited for, or fails as that does', async () => {
    const limit = limitOf(new TestClock(), 1000);
    const failure = new Error('failed');
    expect(await limit.wait(Promise.resolve(7))).toBe(7);
    expect(await rejectionOf(limit.wait(Promise.reject(failure)))).toBe(failure);
  });

  it('ends every wait when its time is up', async () => {
    const clock = new TestClock();
    const limit = limitOf(clock, 1000);
    const waits = [rejectionOf(limit.wait(never)), rejectionOf(limit.wait(never))];
    await clock.advance(999);
    expect(limit.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(await Promise.all(waits)).toEqual([timeoutError, timeoutError]);
    expect(await rejectionOf(limit.wait(never))).toBe(timeoutError);
  });

  it.each(['before', 'meanwhile'])('ends with the reason of a signal that aborts %s', async (when) => {
    const [other, controller] = [new AbortController(), new AbortController()];
    const reason = new Error('enough');
    if (when === 'before') controller.abort(reason);
    const limit = limitOf(new TestClock(), undefined, other.signal, controller.signal);
    const wait = rejectionOf(limit.wait(never));
    controller.abort(reason);
    expect(await wait).toBe(reason);
  });

  it('leaves nothing with its clock and its signals', async () => {
    const clock = new TestClock();
    const { signal } = new AbortController();
    const limit = limitOf(clock, 1000, signal);
    await limit.wait(Promise.resolve());
    limit.end();
    expect(clock.timerCount()).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(getEventListeners(limit.signal, 'abort')).toEqual([]);
  });
});
