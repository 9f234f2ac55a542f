import { describe, expect, it } from '@jest/globals';
import { Replay } from './replay.js';
import { deletion, put } from './support/changes.js';
import { operation, store } from './support/operations.js';
import { acknowledgedRevisions, type ShownState, type ViewRecord, viewViolations } from './view.js';

const replay = new Replay([
  put('x/a', '1', 2),
  put('y', '1', 3),
  put('x/b', '1', 4),
  put('x/a', '2', 4),
  deletion('x/b', 6),
]);
const shown = (revision: number, state: Record<string, string>): ShownState => ({
  revision,
  entries: Object.entries(state),
});
const view = (...states: ShownState[]): ViewRecord => ({ name: 'v', prefix: 'x/', shown: states, syncs: [] });

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
    expect(viewViolations(view(...states), replay, [])).toEqual([]);
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
    ['an older state', /revision 2 after 3/, [shown(3, { 'x/a': '1' }), shown(2, { 'x/a': '1' })]],
  ])('may not show %s', (_, words, states) => {
    expect(viewViolations(view(...states), replay, [])).toEqual([expect.stringMatching(words)]);
  });

  it('is not older after sync than what was acknowledged before it was called', () => {
    const acknowledged = [
      { revision: 4, at: 20 },
      { revision: 2, at: 30 },
      { revision: 6, at: 40 },
    ];
    const synced = (invokedAt: number, revision: number) =>
      viewViolations({ ...view(), syncs: [{ invokedAt, revision }] }, replay, acknowledged);
    expect([...synced(19, 1), ...synced(35, 4), ...synced(41, 6)]).toEqual([]);
    expect(synced(35, 3)).toEqual(['v: revision 3 after a sync at 35, when 4 was there']);
    expect(synced(41, 5)).toHaveLength(1);
  });
});

describe('the revisions that were acknowledged', () => {
  it('are those of writes that were answered and can be told from others', () => {
    const twice = new Replay([
      put('k', 'a', 2),
      put('k', 'b', 3),
      put('k', 'b', 4),
      put('k', 'c', 5),
      put('k', 'd', 6),
    ]);
    const operations = [
      store('a', [1, 10]),
      store('b', [2, 20]),
      store('c', [3], 'unknown'),
      operation('create', 'd', [4, 30], { ok: false }),
      operation('tas', { test: 'x', set: 'd' }, [5, 40], { ok: true }),
      operation('create', 'e', [6, 50], { ok: true }),
    ];
    expect(acknowledgedRevisions(operations, twice)).toEqual([
      { revision: 2, at: 10 },
      { revision: 6, at: 40 },
    ]);
  });
});
