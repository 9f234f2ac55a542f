import { describe, expect, it } from '@jest/globals';
import { LockTimeoutError } from '../../lib/kvi/errors.js';
import { ClosedError } from '../../lib/store/errors.js';
import { gate } from '../contract/backend.js';
import { Workbench } from '../support/workbench.js';

async function microtasks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

/** Whatever is raced against something else is raced at each of these distances, in microtasks. */
const DISTANCES = Array.from({ length: 40 }, (_, i) => i);

describe('locked sections', () => {
  it('are one at a time in the process, also when one gives up just as the turn is handed back', async () => {
    for (const distance of DISTANCES) {
      for (const lag of [3, 4, 5, 6, 7]) {
        expect(await askedTheStoreBeside(distance, lag)).toBe(0);
      }
    }
  });

  /**
   * A first section ends while a second gives up and a third comes.
   *
   * @returns how often a fourth, which tries once while the third runs, asks the store
   */
  async function askedTheStoreBeside(distance: number, lag: number): Promise<number> {
    const bench = new Workbench();
    const { kvi, store } = bench.open();
    const [entered, leave, inside, done] = [gate(), gate(), gate(), gate()];
    const runs = [kvi.withLock('jobs', {}, () => (entered.open(), leave.opened))];
    await entered.opened;
    const controller = new AbortController();
    runs.push(kvi.withLock('jobs', { signal: controller.signal }, async () => {}).catch(() => {}));
    // Begun in this order, they come in this order within each round of microtasks.
    leave.open();
    const third = (): Promise<void> => kvi.withLock('jobs', {}, () => (inside.open(), done.opened));
    runs.push(microtasks(distance + lag).then(third));
    void microtasks(distance).then(() => controller.abort(new Error('enough')));
    await inside.opened;
    const before = store.countOf('txn');
    await expect(kvi.withLock('jobs', { timeoutSec: 0 }, async () => {})).rejects.toBeInstanceOf(
      LockTimeoutError,
    );
    const asked = store.countOf('txn') - before;
    done.open();
    await Promise.all(runs);
    await kvi.close();
    return asked;
  }

  it('end with ClosedError, not run or half run, when close comes on the heels of the grant', async () => {
    for (const distance of DISTANCES) {
      const bench = new Workbench();
      const { kvi, store } = bench.open();
      await (await kvi.lock('warm-up')).release();
      const granted = gate();
      store.intercept('txn', async (proceed) => {
        const answer = await proceed();
        granted.open();
        return answer;
      });
      let signalInside: AbortSignal | undefined;
      const outcome = kvi
        .withLock('jobs', {}, async (lock) => {
          signalInside = lock.signal;
          await bench.clock.advance(0);
          return lock.isHeld;
        })
        .catch((error: unknown) => error);
      await granted.opened;
      await microtasks(distance);
      await kvi.close();
      const result = await outcome;
      // Either it had begun and was waited for, or it never ran.
      expect(signalInside === undefined ? (result as Error).constructor : result).toBe(
        signalInside === undefined ? ClosedError : true,
      );
      expect(bench.logger.at('warn')).toEqual([]);
    }
  });
});
