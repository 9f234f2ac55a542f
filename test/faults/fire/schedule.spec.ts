import { describe, expect, it } from '@jest/globals';
import { Dice } from '../../support/random.mjs';
import type { Fault, Part } from './fault.js';
import { Schedule } from './schedule.js';

const PARTS: readonly Part[] = ['members', 'members', 'members', 'links', 'links', 'requests', 'data'];
const FAULTS: readonly Fault[] = PARTS.map((part, number) => ({
  name: `${part} ${number}`,
  part,
  run: () => Promise.resolve(),
}));
const ACTS = 500;

function actsOf(seed: number): Fault[][] {
  const schedule = new Schedule(FAULTS, new Dice(seed));
  return Array.from({ length: ACTS }, () => schedule.next());
}

describe('a schedule', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(actsOf(7)).toEqual(actsOf(7));
    expect(actsOf(7)).not.toEqual(actsOf(8));
  });

  it('lets each fault have its turn before any comes again', () => {
    const drawn = actsOf(1).flat();
    for (let start = 0; start + FAULTS.length <= drawn.length; start += FAULTS.length) {
      const round = new Set(drawn.slice(start, start + FAULTS.length));
      expect(round.size).toBe(FAULTS.length);
    }
  });

  it('has one, two or three at a time, of different parts', () => {
    const acts = actsOf(1);
    expect(new Set(acts.map((act) => act.length))).toEqual(new Set([1, 2, 3]));
    for (const act of acts) expect(new Set(act.map(({ part }) => part)).size).toBe(act.length);
  });
});
