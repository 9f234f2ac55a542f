import { expect, it } from '@jest/globals';
import type { Hold } from './holds.js';
import { leadershipViolations } from './leadership.js';

const term = (process: string, grantedAt: number, endedAt: number): Hold => ({
  name: 'group',
  token: grantedAt,
  process,
  askedAt: grantedAt,
  grantedAt,
  endedAt,
});

it('leaders may follow each other', () => {
  expect(leadershipViolations([term('a', 1, 5), term('b', 6, 9), term('a', 10, Infinity)], [])).toEqual([]);
});

it('two leaders at once are told, unless one is stopped', () => {
  const terms = [term('a', 1, 7), term('b', 6, 9)];
  expect(leadershipViolations(terms, [])).toEqual([
    'Two lead: group with token 1 by a (1.000–7.000) and group with token 6 by b (6.000–9.000)',
  ]);
  const stopped = { process: 'a', from: 0, to: Infinity, pauses: [{ from: 2, to: 6.5 }] };
  expect(leadershipViolations(terms, [stopped])).toEqual([]);
});
