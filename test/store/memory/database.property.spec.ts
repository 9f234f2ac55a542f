import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { histories } from './histories.js';
import { Race } from './race.js';

async function holdsFor(numRuns: number, historyWeight?: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(histories, async (steps) => {
      expect(await new Race(historyWeight).run(steps)).toBeUndefined();
    }),
    { numRuns },
  );
}

describe('MemoryDatabase, beside a naive model', () => {
  it('gives the same answers, revisions, events and errors in 10,000 random histories', async () => {
    await expect(holdsFor(10_000)).resolves.toBeUndefined();
  }, 180_000);

  it('gives the same answers while it compacts by itself', async () => {
    await expect(holdsFor(1_000, 300)).resolves.toBeUndefined();
  }, 180_000);
});
