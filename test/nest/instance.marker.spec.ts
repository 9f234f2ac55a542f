import { afterEach, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { HmEtcdModule, KviService } from '../../lib/index.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { closeAll, start } from './support/apps.js';
import { newStore, openOn, type Place } from './support/stores.js';

afterEach(closeAll);

const forRoot = (store: Place, id?: string) =>
  HmEtcdModule.forRoot({ ...store, instance: { prefix: 'instances/', id }, logger: new RecordingLogger() });

async function keysIn(store: Place): Promise<string[]> {
  const kvi = await openOn(store);
  const pairs = await kvi.getPrefix('');
  await kvi.close();
  return pairs.map(({ key }) => key);
}

describe('the instance marker', () => {
  it('is there from bootstrap until shutdown', async () => {
    const store = newStore();
    const app = await Test.createTestingModule({ imports: [forRoot(store, 'one')] }).compile();
    expect(await keysIn(store)).toEqual([]);
    await app.init();
    expect(await keysIn(store)).toEqual(['instances/one']);
    await app.close();
    expect(await keysIn(store)).toEqual([]);
  });

  it('has an id of its own in each application, one module object notwithstanding', async () => {
    const connection = forRoot(newStore());
    const apps = [await start({ imports: [connection] }), await start({ imports: [connection] })];
    const instances = await apps[0]!.get(KviService).instances();
    expect(instances).toHaveLength(2);
    for (const { id, host, pid } of instances) expect(id).toMatch(new RegExp(`^${host}-${pid}-[0-9a-f]{6}$`));
  });

  it('is not made where it is not asked for', async () => {
    const store = newStore();
    await start({ imports: [HmEtcdModule.forRoot(store)] });
    expect(await keysIn(store)).toEqual([]);
  });

  it('stands for each connection that asks for it', async () => {
    const [store, other] = [newStore(), newStore()];
    const instance = { prefix: 'instances/', id: 'one' };
    await start({
      imports: [forRoot(store, 'one'), HmEtcdModule.forRoot({ name: 'other', ...other, instance })],
    });
    expect([await keysIn(store), await keysIn(other)]).toEqual([['instances/one'], ['instances/one']]);
  });
});
