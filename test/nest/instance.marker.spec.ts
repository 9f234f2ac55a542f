import { afterEach, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { HmEtcdModule, KviService, open } from '../../lib/index.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { closeAll, newStore, start } from './support/apps.js';

afterEach(closeAll);

const forRoot = (endpoint: string, id?: string) =>
  HmEtcdModule.forRoot({ endpoint, instance: { prefix: 'instances/', id }, logger: new RecordingLogger() });

async function keysIn(endpoint: string): Promise<string[]> {
  const kvi = await open(endpoint, { logger: new RecordingLogger() });
  const pairs = await kvi.getPrefix('');
  await kvi.close();
  return pairs.map(({ key }) => key);
}

describe('the instance marker', () => {
  it('is there from bootstrap until shutdown', async () => {
    const endpoint = newStore();
    const app = await Test.createTestingModule({ imports: [forRoot(endpoint, 'one')] }).compile();
    expect(await keysIn(endpoint)).toEqual([]);
    await app.init();
    expect(await keysIn(endpoint)).toEqual(['instances/one']);
    await app.close();
    expect(await keysIn(endpoint)).toEqual([]);
  });

  it('has an id of its own in each application, one module object notwithstanding', async () => {
    const connection = forRoot(newStore());
    const apps = [await start({ imports: [connection] }), await start({ imports: [connection] })];
    const instances = await apps[0]!.get(KviService).instances();
    expect(instances).toHaveLength(2);
    for (const { id, host, pid } of instances) expect(id).toMatch(new RegExp(`^${host}-${pid}-[0-9a-f]{6}$`));
  });

  it('is not made where it is not asked for', async () => {
    const endpoint = newStore();
    await start({ imports: [HmEtcdModule.forRoot(endpoint)] });
    expect(await keysIn(endpoint)).toEqual([]);
  });

  it('stands for each connection that asks for it', async () => {
    const [endpoint, other] = [newStore(), newStore()];
    const instance = { prefix: 'instances/', id: 'one' };
    await start({
      imports: [forRoot(endpoint, 'one'), HmEtcdModule.forRoot({ name: 'other', endpoint: other, instance })],
    });
    expect([await keysIn(endpoint), await keysIn(other)]).toEqual([['instances/one'], ['instances/one']]);
  });
});
