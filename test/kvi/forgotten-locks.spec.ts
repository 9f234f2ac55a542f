import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { poll } from '../support/etcd/poll.js';
import { Workbench } from '../support/workbench.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Collects until a registry tells of an object that was dropped just now, and once more: others are told of by then. */
async function collect(): Promise<void> {
  let isCollected = false;
  const registry = new FinalizationRegistry(() => (isCollected = true));
  registry.register({}, undefined);
  await poll('the collection of an object', () => {
    collectGarbage();
    return isCollected || undefined;
  });
  collectGarbage();
  await eventLoopTurn();
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
    await poll('the warning', () => {
      collectGarbage();
      return bench.logger.at('warn').length > 0 || undefined;
    });
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
    await (async () => {
      const lock = await kvi.lock('lost', { maxHoldSec: 1 });
      await bench.clock.advance(1000);
      expect(lock.isHeld).toBe(false);
    })();
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
