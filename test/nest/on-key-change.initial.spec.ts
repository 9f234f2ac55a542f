import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, newStore } from './support/apps.js';
import { consecutive, startUnderCounter } from './support/gapless.js';

afterEach(closeAll);

const STARTS = 500;

describe('initial: true under a writer that never pauses', () => {
  it(`leaves no gap and no duplicate between the first pass and the first change: ${STARTS} starts`, async () => {
    const counted = await startUnderCounter(newStore(), STARTS);
    expect(counted).toHaveLength(STARTS);
    for (const numbers of counted) expect(numbers).toEqual(consecutive(numbers));
  }, 240_000);
});
