import { describe, expect, it } from '@jest/globals';
import { CompactedError, InvalidArgumentError } from '../../../lib/store/errors.js';
import { changesIn, History } from '../../../lib/store/memory/history.js';
import type { KeyRecord, WatchResponse } from '../../../lib/store/store.js';

function recordOf(key: string, value: string, revision: number): KeyRecord {
  return { key, value, createRevision: revision, modRevision: revision, version: 1, lease: '' };
}

/** One revision in which each key was put. */
function puts(revision: number, keys: string[], previous?: KeyRecord): WatchResponse {
  return {
    revision,
    events: keys.map((key) => ({ type: 'put', kv: recordOf(key, `at ${revision}`, revision), previous })),
  };
}

function append(history: History, { events }: WatchResponse): void {
  for (const { kv, previous } of events) history.append(kv, previous);
  history.commit();
}

/** Revision 2 changed a, 3 b, 4 a and c. */
function threeChanges(maxWeight = 1_000_000): History {
  const history = new History(maxWeight);
  append(history, puts(2, ['a']));
  append(history, puts(3, ['b']));
  append(history, puts(4, ['a', 'c'], recordOf('a', 'before', 2)));
  return history;
}

const revisionsOf = (changes: readonly WatchResponse[]): number[] => changes.map(({ revision }) => revision);

describe('History', () => {
  it('begins with revision 1, which can be watched from and read', () => {
    const history = new History(1_000);
    expect([history.revision, history.compactRevision]).toEqual([1, 1]);
    expect(history.changesAfter(1, { key: 'a' })).toEqual([]);
    expect(() => history.checkReadable(1)).not.toThrow();
  });

  it('tells what changed in a span above a revision', () => {
    const history = threeChanges();
    expect(revisionsOf(history.changesAfter(1, { key: 'a' }))).toEqual([2, 4]);
    expect(revisionsOf(history.changesAfter(2, { key: 'a' }))).toEqual([4]);
    expect(revisionsOf(history.changesAfter(4, { key: 'a' }))).toEqual([]);
    expect(revisionsOf(history.changesAfter(99, { key: 'a' }))).toEqual([]);
    expect(revisionsOf(history.changesAfter(1, { key: 'b', rangeEnd: '\0' }))).toEqual([3, 4]);
  });

  it('gives each revision whole, and by itself', () => {
    const history = threeChanges();
    expect(history.changesAfter(2, { key: 'a', rangeEnd: 'd' })).toEqual([
      puts(3, ['b']),
      puts(4, ['a', 'c'], recordOf('a', 'before', 2)),
    ]);
  });

  it('leaves out of a revision what lies beside the span', () => {
    const [changes] = threeChanges().changesAfter(3, { key: 'c' });
    expect(changes!.events.map(({ kv }) => kv.key)).toEqual(['c']);
  });

  it('knows what keys were before, the earliest change counting', () => {
    const history = threeChanges();
    const all = { key: '\0', rangeEnd: '\0' };
    expect([...history.recordsBefore(3, all).keys()]).toEqual(['a', 'c']);
    expect(history.recordsBefore(3, all).get('a')).toMatchObject({ value: 'before' });
    expect(history.recordsBefore(1, all).get('a')).toBeUndefined();
    expect(history.recordsBefore(1, all).has('a')).toBe(true);
    expect(history.recordsBefore(4, all).size).toBe(0);
  });

  it('commits what was appended as one revision, and nothing as none', () => {
    const history = threeChanges();
    for (const { kv } of puts(5, ['a', 'b']).events) history.append(kv, undefined);
    expect([history.revision, history.presentRevision]).toEqual([4, 5]);
    expect(history.commit()).toBe(true);
    expect([history.revision, history.presentRevision]).toEqual([5, 5]);
    expect(history.commit()).toBe(false);
    expect([history.revision, history.presentRevision]).toEqual([5, 5]);
    expect(history.newestChanges).toEqual(puts(5, ['a', 'b']));
  });

  it('counts changes that are not committed yet as the latest', () => {
    const history = threeChanges();
    for (const { kv } of puts(5, ['a', 'd']).events) history.append(kv, recordOf('', 'at 4', 4));
    expect(history.recordsBefore(4, { key: 'a' })).toEqual(new Map([['a', recordOf('', 'at 4', 4)]]));
    expect(history.recordsBefore(3, { key: 'a' }).get('a')).toMatchObject({ value: 'before' });
  });

  it('forgets up to a revision', () => {
    const history = threeChanges();
    history.compact(3);
    expect(history.compactRevision).toBe(3);
    expect(revisionsOf(history.changesAfter(3, { key: 'a' }))).toEqual([4]);
    expect(() => history.changesAfter(2, { key: 'a' })).toThrow(CompactedError);
    expect(() => history.recordsBefore(2, { key: 'a' })).toThrow(CompactedError);
    expect(() => history.checkReadable(2)).toThrow(CompactedError);
    expect(() => history.checkReadable(3)).not.toThrow();
    expect(() => history.checkReadable(5)).toThrow(InvalidArgumentError);
  });

  it('says in its error from where the changes can still be had', () => {
    const history = threeChanges();
    history.compact(3);
    expect(() => history.checkReadable(1)).toThrow(
      expect.objectContaining({
        revision: 4,
        message: expect.stringContaining(
          'Revision 1 was asked for, but the store has compacted its history up to 3. ' +
            'Read the present state and go on from there.',
        ),
      }),
    );
  });

  it.each([3, 2, 1])('does not compact at %i again, having done so at 3', (revision) => {
    const history = threeChanges();
    history.compact(3);
    expect(() => history.compact(revision)).toThrow(CompactedError);
    expect(history.compactRevision).toBe(3);
  });

  it('does not compact the future', () => {
    const history = threeChanges();
    expect(() => history.compact(5)).toThrow(InvalidArgumentError);
    expect(revisionsOf(history.changesAfter(1, { key: 'a' }))).toEqual([2, 4]);
  });

  describe('by weight', () => {
    it('is too heavy above its weight, with more than one revision', () => {
      expect(threeChanges().isOverweight).toBe(false);
      expect(threeChanges(300).isOverweight).toBe(true);
      const single = new History(1);
      append(single, puts(2, ['a']));
      expect(single.isOverweight).toBe(false);
    });

    it('finds the revision that leaves half the weight, and is light again after it', () => {
      const history = new History(1_000);
      for (let revision = 2; !history.isOverweight; revision++) append(history, puts(revision, ['a']));
      // A put weighs some 105: ten are too many, four are no more than half.
      expect(history.revision).toBe(11);
      expect(history.halfWeightRevision()).toBe(7);
      history.compact(7);
      expect(history.isOverweight).toBe(false);
    });

    it('spares the newest revision', () => {
      const history = threeChanges(1);
      expect(history.halfWeightRevision()).toBe(3);
      history.compact(3);
      expect(history.isOverweight).toBe(false);
      expect(revisionsOf(history.changesAfter(3, { key: 'a' }))).toEqual([4]);
    });

    it('counts the large value that a deletion keeps alive', () => {
      const history = new History(10_000);
      append(history, puts(2, ['a']));
      append(history, {
        revision: 3,
        events: [
          { type: 'delete', kv: recordOf('big', '', 3), previous: recordOf('big', 'x'.repeat(10_000), 2) },
        ],
      });
      expect(history.isOverweight).toBe(true);
    });
  });
});

describe('changesIn', () => {
  it('gives the same object when all of it lies in the span', () => {
    const changes = puts(2, ['a', 'b']);
    expect(changesIn({ key: 'a', rangeEnd: 'c' }, changes)).toBe(changes);
  });

  it('gives nothing rather than an empty revision', () => {
    expect(changesIn({ key: 'x' }, puts(2, ['a', 'b']))).toBeUndefined();
  });
});
