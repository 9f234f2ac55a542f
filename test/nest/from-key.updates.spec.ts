import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll } from './support/apps.js';
import { newStore } from './support/stores.js';
import { update } from './support/updates.js';

afterEach(closeAll);

describe('a value under 1000 updates, some of them no values', () => {
  it('is never a bad one, never goes back, and after sync() is the latest good one', async () => {
    const { looked, told, valid, behind, logged, refused } = await update(newStore(), 1000);
    expect(behind).toEqual([]);
    expect(told).toEqual(valid.slice(1));
    expect(looked.filter((number) => !valid.includes(number))).toEqual([]);
    expect(looked).toEqual(looked.toSorted((a, b) => a - b));
    expect(logged).toBe(refused);
    expect(refused).toBeGreaterThan(100);
    expect(new Set(looked).size).toBeGreaterThan(100);
  });
});
