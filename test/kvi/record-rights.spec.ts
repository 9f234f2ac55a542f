import { expect, it } from '@jest/globals';
import { checkRecordRights } from '../../lib/kvi/record-rights.js';
import { OutcomeUnknownError } from '../../lib/store/errors.js';
import { MemoryDatabase } from '../../lib/store/memory/database.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import { InterceptedStore } from '../support/intercepted-store.js';

it('the check of rights asks again when its answer was lost, and leaves nothing', async () => {
  const store = new InterceptedStore(new MemoryStore(new MemoryDatabase()));
  let asked = 0;
  store.intercept('txn', async (proceed) => {
    const answer = await proceed();
    if (++asked < 2) throw new OutcomeUnknownError('lost');
    return answer;
  });
  await checkRecordRights(store);

  expect(asked).toBe(2);
  expect(await store.revision('k')).toBe(1);
});
