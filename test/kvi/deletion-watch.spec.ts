import { beforeEach, describe, expect, it } from '@jest/globals';
import { DeletionWatch } from '../../lib/kvi/deletion-watch.js';
import { MemoryDatabase } from '../../lib/store/memory/database.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import { BreakableWatches } from '../support/breakable-watches.js';
import { InterceptedStore } from '../support/intercepted-store.js';
import { TestClock } from '../../lib/testing/test-clock.js';

describe('the watch of a key that will be deleted', () => {
  let clock: TestClock;
  let store: InterceptedStore;
  let watch: DeletionWatch;
  beforeEach(async () => {
    clock = new TestClock();
    store = new InterceptedStore(new MemoryStore(new MemoryDatabase({ clock })));
    const { revision } = await store.txn({ success: [{ type: 'put', key: 'k', value: '' }] });
    watch = new DeletionWatch(store, clock, 'k', revision, revision);
  });

  const remove = (): Promise<unknown> => store.txn({ success: [{ type: 'delete', key: 'k' }] });

  it('tells that it has seen the deletion', async () => {
    expect(watch).toMatchObject({ isOver: false, hasSeenDeletion: false });
    await remove();
    await watch.ended;
    expect(watch).toMatchObject({ isOver: true, hasSeenDeletion: true });
  });

  it.each([0, 1])('has seen none when it is cancelled (after %d turns)', async (turns) => {
    for (let turn = 0; turn < turns; turn++) await clock.advance(0);
    watch.cancel();
    await watch.ended;
    expect(watch).toMatchObject({ isOver: true, hasSeenDeletion: false });
  });

  it.each(['looks and finds no key', 'is told by another watch'])(
    'has seen none when it broke and then %s',
    async (how) => {
      const watches = new BreakableWatches(store);
      await clock.advance(0);
      watches.cut();
      if (how === 'looks and finds no key') await remove();
      else watches.mend();
      await clock.advance(500);
      await remove();
      await watch.ended;
      expect(watch).toMatchObject({ isOver: true, hasSeenDeletion: false });
    },
  );

  it('does not try again when it is cancelled while it is begun, and that fails', async () => {
    let fail = (): void => {};
    store.intercept(
      'watch',
      () => new Promise<never>((_, reject) => (fail = () => reject(new Error('down')))),
    );
    await clock.advance(0);
    watch.cancel();
    fail();
    await clock.advance(0);
    expect(clock.timerCount()).toBe(0);
    await watch.ended;
  });

  it('ends at once when it is cancelled before a retry', async () => {
    new BreakableWatches(store).cut();
    await clock.advance(0);
    watch.cancel();
    await watch.ended;
    expect(clock.timerCount()).toBe(0);
  });
});
