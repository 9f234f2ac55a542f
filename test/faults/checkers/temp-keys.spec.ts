import { expect, it } from '@jest/globals';
import { get } from './support/operations.js';
import { tempKeyViolations } from './temp-keys.js';

const KEYS = [{ key: 'k', process: 'a', madeAt: 100 }];
const LIVES = [{ process: 'a', from: 0, to: 20_000, pauses: [{ from: 5_000, to: 6_000 }] }];
const LIMITS = { disturbed: [{ from: 10_000, to: 15_000 }], boundMs: 4_000 };
const violations = (...reads: ReturnType<typeof get>[]) => tempKeyViolations(KEYS, reads, LIVES, LIMITS);

it('a key is there while its process lives, and gone when it has been dead for some time', () => {
  expect(
    violations(
      get(null, [99, 101]),
      get('v', [200, 201]),
      get(null, [5_500, 5_600]),
      get(null, [9_900, 10_001]),
      get('v', [16_000, 16_001]),
      get(null, [19_999, 20_001]),
      get('v', [23_999, 24_005]),
      get(null, [24_001, 24_002]),
      get(null, [200, 201], { key: 'other' }),
    ),
  ).toEqual([]);
});

it.each([
  ['is not there', get(null, [200, 201]), 'k was not there at 200, while a lived'],
  [
    'has not come back after a disturbance',
    get(null, [15_001, 15_002]),
    'k was not there at 15001, while a lived',
  ],
  ['is there too long', get('v', [24_001, 24_002]), 'k was there at 24001, but a was dead since 20000'],
])('a key that %s is told', (_, read, words) => {
  expect(violations(read)).toEqual([words]);
});
