import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { FIRST_KEY, prefixEnd, prefixSpan, spanHolds, TO_LAST_KEY } from '../../lib/store/key-span.js';
import { anyKey, anyText } from './keys.js';

describe('spanHolds', () => {
  it.each([
    ['one key', { key: 'b' }, ['b']],
    ['a span', { key: 'b', rangeEnd: 'd' }, ['b', 'b\0', 'c']],
    ['a span to the last key', { key: 'c', rangeEnd: TO_LAST_KEY }, ['c', 'd', '\u{10ffff}']],
    ['all keys', { key: FIRST_KEY, rangeEnd: TO_LAST_KEY }, ['a', 'b', 'b\0', 'c', 'd', '\u{10ffff}']],
    ['a span that ends where it begins', { key: 'b', rangeEnd: 'b' }, []],
    ['a span that ends before it begins', { key: 'd', rangeEnd: 'a' }, []],
  ])('tells what lies in %s', (_, span, expected) => {
    const keys = ['a', 'b', 'b\0', 'c', 'd', '\u{10ffff}'];
    expect(keys.filter((key) => spanHolds(span, key))).toEqual(expected);
  });

  it('goes by bytes', () => {
    const span = { key: '\uffff', rangeEnd: '\u{10000}' };
    expect(spanHolds(span, '\uffff!')).toBe(true);
    expect(spanHolds(span, '\u{1f600}')).toBe(false);
    expect(spanHolds({ key: '\u{10000}', rangeEnd: TO_LAST_KEY }, '\uffff')).toBe(false);
  });
});

describe('prefixEnd', () => {
  it.each([
    ['a', 'b'],
    ['jobs/', 'jobs0'],
    ['a\0', 'a\u0001'],
    ['a\u007f', 'a\u0080'],
    ['a\ud7ff', 'a\ue000'],
    ['a\uffff', 'a\u{10000}'],
    ['a\u{103ff}', 'a\u{10400}'],
    ['a\u{10ffff}', 'b'],
    ['a\u{10ffff}\u{10ffff}', 'b'],
    ['\u{10ffff}', TO_LAST_KEY],
    ['', TO_LAST_KEY],
  ])('of %j is %j', (prefix, end) => {
    expect(prefixEnd(prefix)).toBe(end);
  });

  it('is well-formed', () => {
    fc.assert(fc.property(anyText, (prefix) => expect(prefixEnd(prefix).isWellFormed()).toBe(true)));
  });
});

describe('prefixSpan', () => {
  it('holds all keys for an empty prefix, NUL the first of them', () => {
    expect(prefixSpan('')).toEqual({ key: FIRST_KEY, rangeEnd: TO_LAST_KEY });
    fc.assert(fc.property(anyKey, (key) => expect(spanHolds(prefixSpan(''), key)).toBe(true)));
  });

  it('holds exactly the keys whose bytes begin with the bytes of the prefix', () => {
    const holds = (prefix: string, key: string): void => {
      const bytes = Buffer.from(prefix);
      const expected = Buffer.from(key).subarray(0, bytes.length).equals(bytes);
      expect(spanHolds(prefixSpan(prefix), key)).toBe(expected);
    };
    fc.assert(
      fc.property(anyKey, anyText, anyKey, (prefix, rest, other) => {
        holds(prefix, prefix + rest);
        holds(prefix, other);
        holds(prefix + rest || 'a', prefix);
      }),
      { numRuns: 2_000 },
    );
  });
});
