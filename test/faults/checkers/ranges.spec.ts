import { describe, expect, it } from '@jest/globals';
import { Acknowledged } from './acknowledged.js';
import { type RangeRead, rangeViolations } from './ranges.js';
import { Replay } from './replay.js';
import { deletion, put } from './support/changes.js';

const LAST_OF_TWO_BYTES = '\u{10000}';
const replay = new Replay([
  put('a', '1', 2),
  put('c', '1', 3),
  put('d', '1', 4),
  put('b', '1', 5),
  deletion('a', 6),
  put('\uffee', '1', 7),
  put(LAST_OF_TWO_BYTES, '1', 8),
]);
const nothing = new Acknowledged([]);

function read(start: string, end: string, from: number, to: number, ...keys: string[]): RangeRead {
  const entries = keys.map((key) => [key, '1'] as const);
  return { name: 'r', range: { start, end }, invokedAt: 0, from, to, entries };
}

describe('a range', () => {
  it.each<[string, RangeRead]>([
    ['what was there at its revision', read('a', 'c', 5, 5, 'a', 'b', 'c')],
    ['what was there between two revisions', read('a', 'c', 2, 8, 'a', 'c')],
    ['the first of them', read('a', 'c', 4, 8, 'a', 'c')],
    ['the last of them', read('a', 'c', 2, 6, 'b', 'c')],
    ['keys in order of their bytes', read('d', LAST_OF_TWO_BYTES, 8, 8, 'd', '\uffee', LAST_OF_TWO_BYTES)],
    ['nothing', read('d', 'a', 8, 8)],
  ])('may show %s', (_, one) => {
    expect(rangeViolations([one], replay, nothing)).toEqual([]);
  });

  it.each<[string, RangeRead]>([
    ['less than its end', read('a', 'c', 5, 5, 'a', 'b')],
    ['less than its start', read('a', 'c', 5, 5, 'b', 'c')],
    ['more than its end', read('a', 'c', 5, 5, 'a', 'b', 'c', 'd')],
    ['parts of two revisions', read('a', 'd', 2, 8, 'a', 'b', 'c')],
    ['what was there before', read('a', 'c', 5, 8, 'a', 'c')],
    ['another order', read('d', LAST_OF_TWO_BYTES, 8, 8, 'd', LAST_OF_TWO_BYTES, '\uffee')],
  ])('may not show %s', (_, one) => {
    expect(rangeViolations([one], replay, nothing)).toHaveLength(1);
  });

  it('may not be older than what was acknowledged before it was asked for', () => {
    const acknowledged = new Acknowledged([{ revision: 6, at: 10 }]);
    const old = read('b', 'c', 5, 5, 'b', 'c');
    expect(rangeViolations([{ ...old, invokedAt: 10 }], replay, acknowledged)).toEqual([]);
    expect(rangeViolations([{ ...old, invokedAt: 11 }], replay, acknowledged)).toHaveLength(1);
  });
});
