import { describe, expect, it } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { throughput } from './throughput.mjs';

const IN_FLIGHT = 16;
const KEYS = 64;

/** Calls that take different numbers of turns, so that they overtake one another. */
class Calls {
  readonly underWay = new Set<number>();
  readonly atOnce: number[] = [];
  answered = 0;

  readonly call = async (number: number): Promise<void> => {
    const key = number % KEYS;
    if (this.underWay.has(key)) throw new Error(`key ${key} has two calls in flight`);
    this.underWay.add(key);
    for (let turns = (number * 7) % 5; turns >= 0; turns--) await turn();
    this.atOnce.push(this.underWay.size);
    this.underWay.delete(key);
    this.answered += 1;
  };
}

describe('throughput', () => {
  it('keeps that many calls in flight, and never two on one key', async () => {
    const calls = new Calls();
    await throughput(calls.call, IN_FLIGHT, 5);
    expect(Math.max(...calls.atOnce)).toBe(IN_FLIGHT);
    expect(calls.underWay.size).toBe(0);
  });

  it('makes as many calls each time as it divides by the time they took', async () => {
    const calls = new Calls();
    const measure = await throughput(calls.call, IN_FLIGHT, 5);
    const [before, start] = [calls.answered, performance.now()];
    const perSecond = await measure();
    const [count, tookMs] = [calls.answered - before, performance.now() - start];
    expect(count).toBeGreaterThanOrEqual(3 * IN_FLIGHT);
    // The time around it is a little longer than the time that it took itself.
    expect(perSecond).toBeGreaterThanOrEqual((count / tookMs) * 1000);
    await measure();
    expect(calls.answered - before).toBe(2 * count);
  });
});
