import { describe, expect, it } from '@jest/globals';
import { Acknowledged } from './acknowledged.js';
import { Replay } from './replay.js';
import { deletion, put } from './support/changes.js';
import { type ShownState, type ViewRecord, viewViolations } from './view.js';

const replay = new Replay([
  put('x/a', '1', 2),
  put('y', '1', 3),
  put('x/b', '1', 4),
  put('x/a', '2', 4),
  deletion('x/b', 6),
]);
const NOTHING = new Acknowledged([]);
const shown = (revision: number, state: Record<string, string>): ShownState => ({
  revision,
  entries: Object.entries(state),
});
const view = (...states: ShownState[]): ViewRecord => ({
  name: 'v',
  range: { prefix: 'x/' },
  shown: states,
  syncs: [],
});

describe('a view', () => {
  it('may show each state of the store, some more than once, some never', () => {
    const states = [
      shown(1, {}),
      shown(2, { 'x/a': '1' }),
      shown(3, { 'x/a': '1' }),
      shown(4, { 'x/a': '2', 'x/b': '1' }),
      shown(4, { 'x/a': '2', 'x/b': '1' }),
      shown(9, { 'x/a': '2' }),
    ];
    expect(viewViolations(view(...states), replay, NOTHING)).toEqual([]);
  });

  it.each<[string, RegExp, ShownState[]]>([
    [
      'half of a transaction',
      /^v: at revision 4 it showed x\/a as "1", but it was "2"/,
      [shown(4, { 'x/a': '1', 'x/b': '1' })],
    ],
    [
      'a key that is gone',
      /at revision 6 it showed x\/b as "1", but it was undefined/,
      [shown(6, { 'x/a': '2', 'x/b': '1' })],
    ],
    [
      'a key too few',
      /at revision 4 it showed x\/b as undefined, but it was "1"/,
      [shown(4, { 'x/a': '2' })],
    ],
    ['a key of others', /it showed y as "1"/, [shown(3, { 'x/a': '1', y: '1' })]],
    ['another order', /^v: at revision 4 its keys were out of order/, [shown(4, { 'x/b': '1', 'x/a': '2' })]],
    ['an older state', /revision 2 after 3/, [shown(3, { 'x/a': '1' }), shown(2, { 'x/a': '1' })]],
  ])('may not show %s', (_, words, states) => {
    expect(viewViolations(view(...states), replay, NOTHING)).toEqual([expect.stringMatching(words)]);
  });

  it('is not older after sync than what was acknowledged before it was called', () => {
    const acknowledged = new Acknowledged([
      { revision: 4, at: 20 },
      { revision: 6, at: 40 },
    ]);
    const synced = (invokedAt: number, revision: number) =>
      viewViolations({ ...view(), syncs: [{ invokedAt, revision }] }, replay, acknowledged);
    expect([...synced(19, 1), ...synced(35, 4), ...synced(41, 6)]).toEqual([]);
    expect(synced(35, 3)).toEqual(['v: revision 3 after a sync at 35, when 4 was there']);
    expect(synced(41, 5)).toHaveLength(1);
  });
});
