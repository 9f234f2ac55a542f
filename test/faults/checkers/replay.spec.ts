import { describe, expect, it } from '@jest/globals';
import { Replay } from './replay.js';
import { deletion, put } from './support/changes.js';

describe('a replay', () => {
  const first = put('k', 'a', 2);
  const replay = new Replay([
    first,
    put('other', 'a', 3),
    put('k', 'b', 5),
    deletion('k', 6),
    put('k', 'b', 9),
  ]);

  it('knows each value as of each revision', () => {
    const values = [1, 2, 4, 5, 6, 8, 9, 99].map((revision) => replay.valueAt('k', revision));
    expect(values).toEqual([undefined, 'a', 'a', 'b', undefined, undefined, 'b', 'b']);
    expect(replay.valueAt('none', 99)).toBeUndefined();
  });

  it('knows which change has put a value, if only one has', () => {
    expect(replay.writeOf('k', 'a')).toBe(first);
    expect(replay.writeOf('k', 'b')).toBeUndefined();
    expect(replay.writeOf('k', 'c')).toBeUndefined();
  });
});
