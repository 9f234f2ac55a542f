import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { Workbench } from '../support/workbench.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Enough for a registry to tell of what was collected. */
async function collect(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await eventLoopTurn();
    collectGarbage();
  }
}

async function takeAndForget(kvi: Kvi): Promise<void> {
  await kvi.lock('forgotten');
}

describe('a lock that is forgotten', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.dispose());

  it('is reported once, with where it was taken, and stays held', async () => {
    const { kvi } = bench.open();
    await takeAndForget(kvi);
    await collect();
    expect(bench.logger.at('warn')).toEqual([
      expect.stringMatching(/'forgotten'.*\n.*takeAndForget.*forgotten-locks/s),
    ]);
    expect((await kvi.lockInfo('forgotten')).holder).toBeDefined();
  });

  it('is not reported when it was released, is lost, or somebody still has it', async () => {
    const { kvi } = bench.open();
    const kept = await kvi.lock('kept');
    await (async () => (await kvi.lock('released')).release())();
    await takeInABlock(kvi);
    await (async () => void (await kvi.lock('lost', { maxHoldSec: 1 })))();
    await bench.clock.advance(1000);
    await collect();
    expect(bench.logger.at('warn')).toEqual([]);
    expect(kept.isHeld).toBe(true);
  });

  it('is not reported when the handle has been closed', async () => {
    const { kvi } = bench.open();
    await takeAndForget(kvi);
    await kvi.close();
    await collect();
    expect(bench.logger.at('warn')).toEqual([]);
  });
});

async function takeInABlock(kvi: Kvi): Promise<void> {
  await using lock = await kvi.lock('in a block');
  expect(lock.isHeld).toBe(true);
}
