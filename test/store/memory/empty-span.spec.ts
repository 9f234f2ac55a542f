import { describe, expect, it } from '@jest/globals';
import { InvalidArgumentError } from '../../../lib/store/errors.js';
import { refuseEmptySpan } from '../../../lib/store/memory/empty-span.js';

describe('a span', () => {
  it.each([
    ['a', 'a'],
    ['b', 'a'],
    ['\u{1f600}', '\uffff'],
  ])('from %j to %j has no keys and is refused', (key, rangeEnd) => {
    expect(() => refuseEmptySpan({ key, rangeEnd })).toThrow(InvalidArgumentError);
  });

  it.each([
    ['a', undefined],
    ['a', 'a\0'],
    ['\uffff', '\u{1f600}'],
    ['a', '\0'],
    ['\0', '\0'],
  ])('from %j to %j has keys and passes', (key, rangeEnd) => {
    expect(() => refuseEmptySpan({ key, rangeEnd })).not.toThrow();
  });
});
