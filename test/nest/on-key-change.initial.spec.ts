import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll } from './support/apps.js';
import { consecutive, startUnderCounter } from './support/gapless.js';
import { newStore } from './support/stores.js';

afterEach(closeAll);

const place = newStore();

/** On a server each takes ten times as long. */
const STARTS = place.endpoint.startsWith('mem:') ? 500 : 100;

describe('initial: true under a writer that never pauses', () => {
  it(`leaves no gap and no duplicate between the first pass and the first change: ${STARTS} starts`, async () => {
    const counted = await startUnderCounter(place, STARTS);
    expect(counted).toHaveLength(STARTS);
    for (const numbers of counted) expect(numbers).toEqual(consecutive(numbers));
  }, 240_000);
});
