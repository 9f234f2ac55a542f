import { describe, expect, it } from '@jest/globals';
import { counterViolations } from './counter.js';
import { deletion, put } from './support/changes.js';

describe('a counter', () => {
  it('goes up by one each time', () => {
    const changes = [
      put('a', '1', 2),
      put('b', '1', 3),
      put('a', '2', 4),
      put('b', '2', 5),
      put('a', '3', 6),
    ];
    expect(counterViolations(changes, Number)).toEqual([]);
  });

  it.each([
    ['is written twice from one read', [put('a', '1', 2), put('a', '2', 3), put('a', '2', 4)]],
    ['goes back', [put('a', '1', 2), put('a', '2', 3), put('a', '1', 4)]],
    ['leaves one out', [put('a', '1', 2), put('a', '3', 3)]],
    ['does not begin with one', [put('a', '2', 2)]],
    ['is deleted', [put('a', '1', 2), deletion('a', 3)]],
  ])('that %s is told', (_, changes) => {
    expect(counterViolations(changes, Number)).toHaveLength(1);
  });
});
