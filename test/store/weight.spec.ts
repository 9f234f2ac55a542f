import { describe, expect, it } from '@jest/globals';
import type { KeyRecord, WatchEvent } from '../../lib/store/store.js';
import { weightOf } from '../../lib/store/weight.js';

function put(key: string, value: string, previousValue?: string): WatchEvent {
  const kv: KeyRecord = { key, value, createRevision: 2, modRevision: 3, version: 1, lease: '' };
  const previous = previousValue === undefined ? undefined : { ...kv, value: previousValue };
  return { type: 'put', kv, previous };
}

const weigh = (...events: WatchEvent[]): number => weightOf({ revision: 3, events });

describe('weightOf', () => {
  it('counts keys, values and the values before', () => {
    const bare = weigh(put('a', ''));
    expect(weigh(put('a', 'x'.repeat(7)))).toBe(bare + 7);
    expect(weigh(put('a'.repeat(6), ''))).toBe(bare + 5);
    expect(weigh(put('a', '', 'x'.repeat(9)))).toBe(bare + 9);
  });

  it('counts each event, be it ever so small, and nothing in a progress report', () => {
    expect(weigh(put('a', ''))).toBeGreaterThan(1);
    expect(weigh(put('a', '1'), put('b', '2'))).toBe(2 * weigh(put('a', '1')));
    expect(weigh()).toBe(0);
  });
});
