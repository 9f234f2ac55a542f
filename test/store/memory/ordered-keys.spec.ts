import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { OrderedKeys } from '../../../lib/store/memory/ordered-keys.js';
import { anyKey } from '../keys.js';
import { compareUtf8, inSpan } from './naive-database.js';

function walk(keys: OrderedKeys<string>, key: string, rangeEnd: string, limit = Infinity): string[] {
  const found: string[] = [];
  keys.walk({ key, rangeEnd }, (next) => {
    found.push(next);
    return found.length < limit;
  });
  return found;
}

describe('OrderedKeys', () => {
  it('has nothing to walk when it is empty', () => {
    expect(walk(new OrderedKeys<string>(), '\0', '\0')).toEqual([]);
  });

  it('stops when it is told to', () => {
    const keys = new OrderedKeys<string>();
    for (let i = 0; i < 1_000; i++) keys.set(`${i}`, `${i}`);
    expect(walk(keys, '5', '\0', 3)).toEqual(['5', '50', '500']);
  });

  it('has a key once, and does not mind deleting what is not there', () => {
    const keys = new OrderedKeys<string>();
    keys.set('a', 'a');
    keys.set('a', 'a');
    keys.delete('b');
    expect(walk(keys, '\0', '\0')).toEqual(['a']);
    keys.delete('a');
    expect(walk(keys, '\0', '\0')).toEqual([]);
  });

  it('agrees with sorting by Buffer.compare', () => {
    const many = fc.array(anyKey, { minLength: 0, maxLength: 200, size: 'max' });
    fc.assert(
      fc.property(
        many,
        many,
        anyKey,
        fc.oneof(anyKey, fc.constant('\0')),
        (added, deleted, key, rangeEnd) => {
          const keys = new OrderedKeys<string>();
          for (const one of added) keys.set(one, one);
          for (const one of deleted) keys.delete(one);
          const left = new Set(added.filter((one) => !deleted.includes(one)));
          const expected = [...left].filter((one) => inSpan(one, { key, rangeEnd })).sort(compareUtf8);
          expect(walk(keys, key, rangeEnd)).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });
});
