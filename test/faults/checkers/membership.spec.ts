import { expect, it } from '@jest/globals';
import type { Life } from './history.js';
import { membershipViolations } from './membership.js';

const QUIET = { quietSince: 10_000, boundMs: 5_000, until: 20_000 };
const lives: Life[] = [
  { process: 'a', from: 0, to: Infinity, pauses: [{ from: 2000, to: 3000 }] },
  { process: 'b', from: 0, to: Infinity, pauses: [] },
  { process: 'dead', from: 0, to: 9_000, pauses: [] },
  { process: 'stopped', from: 0, to: Infinity, pauses: [{ from: 8_000, to: Infinity }] },
];
const seen = (seenBy: string, at: number, ...members: string[]) => ({ seenBy, at, members });
const right = [seen('a', 16_000, 'b', 'a'), seen('b', 15_000, 'a', 'b')];

it('those that live see each other in time, and may see others before', () => {
  const early = [seen('a', 14_999, 'a', 'b', 'dead'), seen('dead', 8_000), seen('stopped', 16_000, 'dead')];
  expect(membershipViolations([...early, ...right], lives, QUIET)).toEqual([]);
});

it.each([
  [
    'the dead are seen',
    seen('a', 17_000, 'a', 'b', 'dead'),
    'a saw [a, b, dead] at 17000, but there were [a, b]',
  ],
  ['a member is not', seen('a', 17_000, 'a'), 'a saw [a] at 17000, but there were [a, b]'],
  [
    'one that is stopped is',
    seen('b', 17_000, 'a', 'b', 'stopped'),
    'b saw [a, b, stopped] at 17000, but there were [a, b]',
  ],
])('a disagreement is told: %s', (_, wrong, words) => {
  expect(membershipViolations([...right, wrong], lives, QUIET)).toEqual([words]);
});

it('somebody who sees nothing any more is told', () => {
  expect(membershipViolations(right.slice(0, 1), lives, QUIET)).toEqual(['b has seen nothing since 15000']);
});
