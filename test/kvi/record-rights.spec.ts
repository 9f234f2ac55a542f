import { expect, it } from '@jest/globals';
import { checkRecordRights } from '../../lib/kvi/record-rights.js';
import { OutcomeUnknownError } from '../../lib/store/errors.js';
import { MemoryDatabase } from '../../lib/store/memory/database.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import { InterceptedStore } from '../support/intercepted-store.js';

function unanswered(times: number): { store: InterceptedStore; asked: () => number } {
  const store = new InterceptedStore(new MemoryStore(new MemoryDatabase()));
  let asked = 0;
  store.intercept('txn', async (proceed) => {
    const answer = await proceed();
    if (++asked <= times) throw new OutcomeUnknownError('lost');
    return answer;
  });
  return { store, asked: () => asked };
}

it('the check of rights asks again as often as its answer is lost, and leaves nothing', async () => {
  const { store, asked } = unanswered(5);
  await checkRecordRights(store, new AbortController().signal);

  expect(asked()).toBe(6);
  expect(await store.revision('k')).toBe(1);
});

it('the check of rights ends when nobody waits for it any more', async () => {
  const { store, asked } = unanswered(Infinity);
  const late = new AbortController();
  const check = checkRecordRights(store, late.signal);
  late.abort();

  await expect(check).rejects.toThrow(OutcomeUnknownError);
  expect(asked()).toBeLessThanOrEqual(2);
});
