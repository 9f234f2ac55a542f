import { describe, expect, it } from '@jest/globals';
import { MemoryWatch } from '../../../lib/store/memory/memory-watch.js';
import { Watchers } from '../../../lib/store/memory/watchers.js';
import type { KeySpan, WatchResponse } from '../../../lib/store/store.js';

function puts(revision: number, ...keys: string[]): WatchResponse {
  return {
    revision,
    events: keys.map((key) => ({
      type: 'put',
      kv: { key, value: '', createRevision: revision, modRevision: revision, version: 1, lease: '' },
      previous: undefined,
    })),
  };
}

/** Watches of these spans, and what each has been given so far. */
function watching(...spans: KeySpan[]) {
  const watchers = new Watchers();
  const watches = spans.map(
    (span) =>
      new MemoryWatch(
        span,
        1,
        'mem:',
        () => 1,
        (watch) => watchers.delete(watch),
      ),
  );
  for (const watch of watches) watchers.add(watch);
  const fetched = (): Promise<string[]> =>
    Promise.all(
      watches.map(async (watch) => {
        watch.requestProgress();
        const response = await watch.next();
        return response === undefined ? 'ended' : response.events.map(({ kv }) => kv.key).join('');
      }),
    );
  return { watchers, watches, fetched };
}

describe('Watchers', () => {
  it('give each watch the part of a revision that lies in its span', async () => {
    const { watchers, fetched } = watching(
      { key: 'a' },
      { key: 'b' },
      { key: 'x' },
      { key: 'a', rangeEnd: 'c' },
      { key: 'b', rangeEnd: '\0' },
      { key: 'x', rangeEnd: '\0' },
    );
    watchers.publish(puts(2, 'c', 'b', 'a'));
    expect(await fetched()).toEqual(['a', 'b', '', 'ba', 'cb', '']);
  });

  it('give all events of a revision at once, also two of one key', async () => {
    const { watchers, fetched } = watching({ key: 'a' }, { key: 'a', rangeEnd: 'c' });
    watchers.publish(puts(2, 'a', 'b', 'a'));
    expect(await fetched()).toEqual(['aa', 'aba']);
  });

  it('take a span of one key and a key for two things', async () => {
    const { watchers, fetched } = watching({ key: 'a' }, { key: 'a', rangeEnd: 'a\0' });
    watchers.publish(puts(2, 'a', 'a\0'));
    expect(await fetched()).toEqual(['a', 'a']);
  });

  it('serve several watches of one key or span', async () => {
    const { watchers, watches, fetched } = watching(
      { key: 'a' },
      { key: 'a' },
      { key: 'a', rangeEnd: 'b' },
      { key: 'a', rangeEnd: 'b' },
    );
    watches[0]!.cancel();
    watches[3]!.cancel();
    watchers.publish(puts(2, 'a'));
    expect(await fetched()).toEqual(['ended', 'a', 'a', 'ended']);
  });

  it('give nothing to a watch that is over', () => {
    const { watchers, watches } = watching({ key: 'a' }, { key: 'a', rangeEnd: 'b' });
    for (const watch of watches) {
      watch.cancel();
      watch.push = () => {
        throw new Error('It is over.');
      };
    }
    expect(() => watchers.publish(puts(2, 'a'))).not.toThrow();
  });

  it('let go of all that a compaction overtakes', async () => {
    const { watchers, watches } = watching(
      { key: 'a' },
      { key: 'a' },
      { key: 'a', rangeEnd: 'b' },
      { key: 'b' },
    );
    watchers.publish(puts(2, 'a'));
    await watches[1]!.next();
    watchers.compact(2);
    expect(watches.map(({ isOver }) => isOver)).toEqual([true, false, true, false]);
    watchers.publish(puts(3, 'a', 'b'));
    expect(await watches[1]!.next()).toMatchObject({ revision: 3 });
  });
});
