import { beforeEach, describe, expect, it } from '@jest/globals';
import { DeletionWatch } from '../../lib/kvi/deletion-watch.js';
import { PlacesAhead } from '../../lib/kvi/places-ahead.js';
import { MemoryDatabase } from '../../lib/store/memory/database.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import type { KeyRecord } from '../../lib/store/store.js';
import { TestClock } from '../../lib/testing/test-clock.js';

describe('the places ahead', () => {
  const clock = new TestClock();
  let begun: DeletionWatch[];
  let ahead: PlacesAhead;
  beforeEach(() => {
    const store = new MemoryStore(new MemoryDatabase({ clock }));
    begun = [];
    ahead = new PlacesAhead(({ key, createRevision }, revision) => {
      const watch = new DeletionWatch(store, clock, key, createRevision, revision);
      begun.push(watch);
      return watch;
    });
  });

  function place(key: string, createRevision: number): KeyRecord {
    return { key, createRevision, value: '', modRevision: createRevision, version: 1, lease: 'a' };
  }

  const [one, two] = [place('jobs/a-1', 1), place('jobs/a-2', 2)];

  it('are watched, the first of the queue first', () => {
    ahead.follow([one, two], 5);
    expect(begun).toHaveLength(2);
    expect(ahead.first.isOf(one)).toBe(true);
  });

  it('are watched on while others go', () => {
    ahead.follow([one, two], 5);
    ahead.follow([two], 6);
    expect(begun.map(({ isOver }) => isOver)).toEqual([true, false]);
    expect(ahead.first).toBe(begun[1]);
  });

  it('are watched anew when a watch is over, or the key was put anew', () => {
    ahead.follow([one, two], 5);
    begun[0]!.cancel();
    ahead.follow([one, place(two.key, 6)], 7);
    expect(begun.map(({ isOver }) => isOver)).toEqual([true, true, false, false]);
  });
});
