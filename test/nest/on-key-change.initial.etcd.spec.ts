import { afterEach, describe, expect, it } from '@jest/globals';
import { open } from '../../lib/index.js';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { closeAll } from './support/apps.js';
import { consecutive, countedFromStart, Counter } from './support/gapless.js';

afterEach(closeAll);

const TRIALS = 100;

describe('initial: true under a writer that never pauses, on etcd', () => {
  it(`leaves no gap and no duplicate between the first pass and the first change: ${TRIALS} starts`, async () => {
    await using etcd = await startEtcd();
    const kvi = await open(etcd.endpoint, { logger: new RecordingLogger() });
    {
      await using _counter = await Counter.start(kvi);
      for (let trial = 0; trial < TRIALS; trial++) {
        const numbers = await countedFromStart(etcd.endpoint);
        expect(numbers).toEqual(consecutive(numbers));
      }
    }
    await kvi.close();
  }, 240_000);
});
