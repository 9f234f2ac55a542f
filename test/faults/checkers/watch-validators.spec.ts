import { describe, expect, it } from '@jest/globals';
import { DELETE, PUT } from '../../../lib/kvi/key-change.js';
import { Replay } from './replay.js';
import { deletion, put } from './support/changes.js';
import { type WatchPiece, type WatchRecord, watchViolations } from './watch-validators.js';

const a2 = put('x/a', '1', 2);
const b3 = put('x/b', '1', 3);
const c3 = put('x/c', '1', 3);
const a5 = put('x/a', '2', 5, '1');
const a6 = deletion('x/a', 6, '2');
const a8 = put('x/a', '3', 8);
const replay = new Replay([a2, put('y', '1', 2), b3, c3, put('y', '2', 4), a5, a6, a8]);

const piece = (...changes: WatchPiece['changes']): WatchPiece => ({ changes });
const progress = (revision: number): WatchPiece => ({ changes: [], progress: revision });
const watch = (pieces: readonly WatchPiece[], more: Partial<WatchRecord> = {}): WatchRecord => ({
  name: 'w',
  range: { prefix: 'x/' },
  prevValue: true,
  attempts: [{ fromRevision: 1, pieces }],
  ...more,
});
const { prevValue: _a5, ...a5WithoutPrevious } = a5;

describe('a watch', () => {
  it.each<[string, WatchRecord]>([
    ['of everything', watch([piece(a2), piece(b3, c3), piece(a5, a6), piece(a8)], { completeTo: 8 })],
    ['with progress', watch([piece(a2), progress(2), piece(b3, c3), progress(4), piece(a5)])],
    ['that has not come to the end', watch([piece(a2)])],
    ['of nothing', watch([])],
    ['of a part of the keys', watch([piece(b3)], { range: { start: 'x/aa', end: 'x/b' }, completeTo: 8 })],
    ['of one key', watch([piece(c3)], { range: 'x/c', completeTo: 8 })],
    ['of deletions', watch([piece(a6)], { op: DELETE, completeTo: 8 })],
    [
      'without values before',
      watch([piece(a5WithoutPrevious)], {
        prevValue: false,
        op: PUT,
        attempts: [{ fromRevision: 4, pieces: [piece(a5WithoutPrevious)] }],
      }),
    ],
    [
      'that goes on after an error, and after a gap that was told',
      watch([], {
        attempts: [
          { fromRevision: 2, pieces: [piece(a2)] },
          { fromRevision: 3, pieces: [piece(b3, c3)] },
          { fromRevision: 4, pieces: [] },
          { fromRevision: 6, pieces: [piece(a6)] },
        ],
      }),
    ],
  ])('%s is fine', (_, record) => {
    expect(watchViolations(record, replay)).toEqual([]);
  });

  it.each<[string, RegExp, WatchRecord]>([
    [
      'ordered',
      /the put of x\/b at 3 after the put of x\/a at 5/,
      watch([piece(a2), piece(a5), piece(b3, c3)]),
    ],
    ['unique', /the put of x\/a at 2 was told 2 times/, watch([piece(a2), piece(a2), piece(b3, c3)])],
    ['atomic', /revision 3 came in 2 pieces/, watch([piece(a2), piece(b3), piece(c3)])],
    [
      'resumable',
      /from 3 on it began with the put of x\/a at 5, not with the put of x\/b at 3/,
      watch([], { attempts: [{ fromRevision: 3, pieces: [piece(a5)] }] }),
    ],
    [
      'reliable',
      /the deletion of x\/a at 6 was not told/,
      watch([piece(a2), piece(b3, c3), piece(a5), piece(a8)]),
    ],
    ['reliable', /the put of x\/c at 3 was not told/, watch([piece(a2), piece(b3), piece(a5)])],
    ['reliable', /the put of x\/a at 8 was not told/, watch([piece(a2, b3, c3, a5, a6)], { completeTo: 8 })],
    ['reliable', /the put of x\/a at 2 has not happened/, watch([piece(put('x/a', 'wrong', 2))])],
    [
      'bookmarkable',
      /progress 5 came before the put of x\/a at 5/,
      watch([piece(a2, b3, c3), progress(5), piece(a6)]),
    ],
    [
      'bookmarkable',
      /the put of x\/a at 5 came after a later/,
      watch([piece(a2, b3, c3), progress(5), piece(a5)]),
    ],
    ['previousValue', /the put of x\/a at 5 came/, watch([piece(a2, b3, c3), piece(a5WithoutPrevious)])],
    [
      'previousValue',
      /the put of x\/a at 8 came/,
      watch([piece(a2, b3, c3, a5, a6, put('x/a', '3', 8, '2'))]),
    ],
    ['previousValue', /the put of x\/a at 5 came/, watch([piece(a2, b3, c3, a5)], { prevValue: false })],
    ['filtered', /the put of y at 4 was not asked for/, watch([piece(a2, b3, c3, put('y', '2', 4, '1'))])],
    ['filtered', /the put of x\/a at 5 was not/, watch([piece(a5)], { op: DELETE })],
    [
      'filtered',
      /the put of x\/a at 2/,
      watch([], { attempts: [{ fromRevision: 3, pieces: [piece(a2, b3, c3)] }] }),
    ],
  ])('that is not %s is told: %p', (validator, words, record) => {
    const told = new RegExp(`^w is not ${validator}: .*${words.source}`);
    expect(watchViolations(record, replay)).toContainEqual(expect.stringMatching(told));
  });

  it('is filtered by bytes', () => {
    const emoji = put('\u{1f600}', '1', 2);
    const range = { start: '\ue000', end: '\u{1f601}' };
    expect(watchViolations(watch([piece(emoji)], { range, completeTo: 2 }), new Replay([emoji]))).toEqual([]);
  });
});
