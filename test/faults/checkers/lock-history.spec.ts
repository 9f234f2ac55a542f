import { describe, expect, it } from '@jest/globals';
import type { Life, Operation } from './history.js';
import { type FencedWrite, lockViolations } from './lock-history.js';
import { acquire, held, lost, release } from './support/operations.js';

const A = { client: 'a.1' };
const B = { client: 'b.1' };

const stopped = (from: number, to: number): Life[] => [
  { process: 'a', from: 0, to: Infinity, pauses: [{ from, to }] },
];
const writes = (...tokens: number[]): FencedWrite[] =>
  tokens.map((token, index) => ({ resource: 'r', token, revision: 10 + index }));

describe('the history of locks', () => {
  it.each<[string, Operation[], Life[], FencedWrite[]]>([
    [
      'of holds one after the other, with writes in the order of tokens',
      [acquire(5, [1, 2], A), held(5, [3, 3], A), release(5, [4, 9], A), acquire(7, [1, 8], B)],
      [],
      [...writes(5, 5, 7), { resource: 'another', token: 3, revision: 99 }],
    ],
    [
      'of a loss that was told before the next grant',
      [acquire(5, [1, 2], A), lost(5, 6, A), acquire(7, [1, 8], B)],
      [],
      [],
    ],
    [
      'of locks that know nothing of each other',
      [acquire(5, [1, 2], A), acquire(4, [1, 8], { ...B, key: 'other' })],
      [],
      [],
    ],
    [
      'of one that was stopped, and heard of its grant when another had been granted it',
      [acquire(5, [1, 5000], A), lost(5, 5001, A), acquire(7, [1, 4000], B)],
      stopped(2, 4990),
      [],
    ],
  ])('%s is fine', (_, operations, lives, fenced) => {
    expect(lockViolations(operations, lives, fenced)).toEqual([]);
  });

  it.each<[string, RegExp, Operation[], Life[], FencedWrite[]]>([
    [
      'two at once',
      /^Two hold it: k with token 5 by a .* and k with token 7 by b/,
      [acquire(5, [1, 2], A), acquire(7, [1, 3], B), release(5, [4, 5], A)],
      [],
      [],
    ],
    [
      'one that was told of its loss after the next grant',
      /^Two hold it/,
      [acquire(5, [1, 2], A), acquire(7, [1, 3], B), lost(5, 4, A)],
      [],
      [],
    ],
    [
      'a grant out of the order of the queue',
      /^Granted k with token 5 by b .* after k with token 7 by a/,
      [acquire(7, [1, 2], A), release(7, [3, 4], A), acquire(5, [1, 8], B)],
      [],
      [],
    ],
    [
      'a token that was granted twice',
      /^Granted k with token 7/,
      [acquire(7, [1, 2], A), release(7, [3, 4], A), acquire(7, [1, 8], B)],
      [],
      [],
    ],
    [
      'a hold that asserts itself after the grant of another, although its process was stopped',
      /^assert\(k, 5\) → true .* was called after k with token 7 by b/,
      [acquire(5, [1, 2], A), acquire(7, [1, 4000], B), held(5, [5001, 5001], A), lost(5, 5002, A)],
      stopped(3, 5000),
      [],
    ],
    [
      'a write that was taken after one with a larger token',
      /^r has taken a write with token 5 at revision 12, after one with 7 at 11/,
      [],
      [],
      writes(5, 7, 5, 7),
    ],
  ])('tells of %s', (_, words, operations, lives, fenced) => {
    expect(lockViolations(operations, lives, fenced)).toEqual([expect.stringMatching(words)]);
  });
});
