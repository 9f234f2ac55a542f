import { describe, expect, it } from '@jest/globals';
import { KeySpace } from '../../../lib/store/memory/key-space.js';
import type { KeyRecord } from '../../../lib/store/store.js';

function recordOf(key: string, value = ''): KeyRecord {
  return { key, value, createRevision: 2, modRevision: 2, version: 1, lease: '' };
}

function letters(): KeySpace {
  const keys = new KeySpace();
  for (const key of ['c', 'a', 'd', 'b']) keys.put(recordOf(key));
  return keys;
}

const select = (...query: Parameters<KeySpace['select']>): string =>
  letters()
    .select(...query)
    .map(({ key }) => key)
    .join('');

describe('KeySpace', () => {
  it('finds one key', () => {
    expect(letters().get('b')).toEqual(recordOf('b'));
    expect(letters().get('x')).toBeUndefined();
    expect(select({ key: 'b' })).toBe('b');
    expect(select({ key: 'x' })).toBe('');
  });

  it('selects a span in order, up to a limit', () => {
    expect(select({ key: 'b', rangeEnd: 'd' })).toBe('bc');
    expect(select({ key: 'b', rangeEnd: '\0' })).toBe('bcd');
    expect(select({ key: 'b', rangeEnd: '\0' }, 2)).toBe('bc');
    expect(select({ key: 'b', rangeEnd: '\0' }, 0)).toBe('');
    expect(select({ key: 'b' }, 0)).toBe('');
  });

  it('has a key once, with its last record', () => {
    const keys = letters();
    keys.put(recordOf('b', 'new'));
    expect(keys.select({ key: 'b', rangeEnd: 'c' })).toEqual([recordOf('b', 'new')]);
  });

  it('forgets what is deleted, in both of its indexes', () => {
    const keys = letters();
    keys.delete('b');
    keys.delete('b');
    keys.delete('x');
    expect(keys.get('b')).toBeUndefined();
    expect(keys.select({ key: '\0', rangeEnd: '\0' }).map(({ key }) => key)).toEqual(['a', 'c', 'd']);
    keys.put(recordOf('b'));
    expect(keys.select({ key: '\0', rangeEnd: '\0' })).toHaveLength(4);
  });
});
