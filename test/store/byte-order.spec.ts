import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { compareBytes } from '../../lib/store/byte-order.js';
import { anyText } from './keys.js';

describe('compareBytes', () => {
  it.each([
    ['', 'a'],
    ['a', 'a\0'],
    ['a', 'b'],
    ['a/b', 'ab'],
    ['Z', 'a'],
    ['z', '\u00e9'],
    ['\ud7ff', '\ue000'],
    ['\ue000', '\uffff'],
    ['\uffff', '\u{10000}'],
    ['\ud7ff', '\u{1f600}'],
    ['\u{1f600}', '\u{1f601}'],
    ['\u{1f600}', '\u{10ffff}'],
    ['\u{1f600}a', '\u{1f600}b'],
  ])('puts %j before %j', (first, second) => {
    expect(compareBytes(first, second)).toBeLessThan(0);
    expect(compareBytes(second, first)).toBeGreaterThan(0);
    expect(compareBytes(first, first)).toBe(0);
  });

  it('agrees with Buffer.compare', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, (start, a, b) => {
        const expected = Buffer.compare(Buffer.from(start + a), Buffer.from(start + b));
        expect(Math.sign(compareBytes(start + a, start + b))).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});
