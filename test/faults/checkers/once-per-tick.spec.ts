import { expect, it } from '@jest/globals';
import { tickViolations } from './once-per-tick.js';

const run = (tick: number, process: string, job = 'bill') => ({ job, tick, process });

it('each tick may be run once, and those with nothing wrong must be', () => {
  const runs = [run(1, 'a'), run(2, 'b'), run(4, 'a'), run(4, 'b', 'mail')];
  expect(tickViolations(['bill', 'mail'], runs, [4])).toEqual([]);
});

it('a tick that was run twice is told, whether it was due or not', () => {
  expect(tickViolations(['bill'], [run(1, 'a'), run(1, 'b')], [])).toEqual([
    'bill for tick 1 was run by a and b',
  ]);
});

it('a tick that was due and not run is told', () => {
  expect(tickViolations(['bill', 'mail'], [run(1, 'a')], [1])).toEqual(['mail for tick 1 was not run']);
});
