import { describe, expect, it } from '@jest/globals';
import { Acknowledged } from './acknowledged.js';
import { Replay } from './replay.js';
import { put } from './support/changes.js';
import { operation, store } from './support/operations.js';

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
    const acknowledged = Acknowledged.by(operations, twice);
    expect([10, 11, 40, 41].map((moment) => acknowledged.revisionBefore(moment))).toEqual([0, 2, 2, 6]);
  });

  it('do not go back with an answer that comes late', () => {
    const acknowledged = new Acknowledged([
      { revision: 4, at: 20 },
      { revision: 2, at: 30 },
    ]);
    expect(acknowledged.revisionBefore(31)).toBe(4);
  });
});
