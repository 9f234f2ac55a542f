import { afterEach, describe, expect, it } from '@jest/globals';
import { open } from '../../lib/index.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { closeAll, newStore } from './support/apps.js';
import { consecutive, countedFromStart, Counter } from './support/gapless.js';

afterEach(closeAll);

const TRIALS = 500;

describe('initial: true under a writer that never pauses', () => {
  it(`leaves no gap and no duplicate between the first pass and the first change: ${TRIALS} starts`, async () => {
    const endpoint = newStore();
    const kvi = await open(endpoint, { logger: new RecordingLogger() });
    {
      await using _counter = await Counter.start(kvi);
      for (let trial = 0; trial < TRIALS; trial++) {
        const numbers = await countedFromStart(endpoint);
        expect(numbers).toEqual(consecutive(numbers));
      }
    }
    await kvi.close();
  }, 120_000);
});
