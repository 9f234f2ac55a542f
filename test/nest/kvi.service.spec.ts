import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { HmEtcdModule, InvalidArgumentError, KviService, PUT, type Kvi } from '../../lib/index.js';
import { defaultSettings } from '../../lib/nest/connection.settings.js';
import { NO_INSTANCE_OPTION } from '../../lib/nest/hmetcd.messages.js';
import { closeAll, start } from './support/apps.js';
import { newStore } from './support/stores.js';

afterEach(closeAll);

const fn = async (): Promise<void> => {};
const signal = new AbortController().signal;

/** Every function of the interface with all its arguments: the compiler sees to it that none is left out. */
const calls: { [Method in keyof Kvi]: Parameters<Kvi[Method]> } = {
  get: ['key'],
  getRange: ['a', 'b'],
  store: ['key', 'value'],
  delete: ['key'],
  transaction: ['key', '=', 'value', 'then', 'thenValue', 'else', 'elseValue'],
  tas: ['key', 'test', 'set'],
  watch: ['key', { signal }],
  watchWithCB: ['key', PUT, fn, undefined],
  watchCBCancel: [{ key: 'key', op: PUT, closed: Promise.resolve('cancelled') }],
  distLock: [{ signal }],
  distTimedLock: [1, { maxHoldSec: 2, signal }],
  distUnlock: [],
  tempKey: ['key'],
  close: [],
  createIfAbsent: ['key', 'value'],
  getPrefix: ['prefix'],
  scan: [{ prefix: 'p' }],
  snapshot: [{ prefix: 'p' }],
  lock: ['name', { timeoutSec: 1 }],
  withLock: ['name', { timeoutSec: 1, minHoldSec: 1 }, fn],
  lockInfo: ['name'],
  observe: ['key'],
  changes: ['key', { op: PUT }],
  health: [{ timeoutMs: 1, watchesBehindMs: 1, signal }],
};

describe('KviService', () => {
  it.each(Object.entries(calls))('hands %s on as it is', (method, args) => {
    const answer = {};
    const delegate = jest.fn(() => answer);
    const service = new KviService({ [method]: delegate } as unknown as Kvi, defaultSettings(undefined));
    const call = service[method as keyof Kvi] as (...given: unknown[]) => unknown;

    expect(Reflect.apply(call, service, args)).toBe(answer);
    expect(delegate.mock.calls).toEqual([args]);
  });

  it('works behind a proxy, as Nest may put one there', async () => {
    const app = await start({ imports: [HmEtcdModule.forRoot(newStore())] });
    const proxy = new Proxy(app.get(KviService), {});
    await proxy.store('key', 'value');
    expect(await proxy.get('key')).toBe('value');
  });
});

describe('instances()', () => {
  const instance = { prefix: 'instances/', id: 'one' };

  it('lists who announced itself, in order of ids, and nobody twice', async () => {
    const store = newStore();
    const app = await start({
      imports: [HmEtcdModule.forRoot({ ...store, instance: { ...instance, id: 'two' } })],
    });
    await start({ imports: [HmEtcdModule.forRoot({ ...store, instance })] });

    const self = {
      host: expect.stringMatching(/./),
      pid: process.pid,
      startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      application: expect.stringMatching(/./),
    };
    expect(await app.get(KviService).instances()).toEqual([
      { id: 'one', key: 'instances/one', ...self },
      { id: 'two', key: 'instances/two', ...self },
    ]);
  });

  it.each([
    ['no JSON', 'text'],
    ['null', 'null'],
    ['an array', '[]'],
    ['a string', '"x"'],
    ['without host', JSON.stringify({ pid: 1, startedAt: 'now', application: 'app' })],
    [
      'with a pid of another type',
      JSON.stringify({ host: 'h', pid: '1', startedAt: 'now', application: 'app' }),
    ],
    ['without start time', JSON.stringify({ host: 'h', pid: 1, application: 'app' })],
    ['without application', JSON.stringify({ host: 'h', pid: 1, startedAt: 'now' })],
  ])('leaves out a key whose value is %s', async (_title, value) => {
    const app = await start({ imports: [HmEtcdModule.forRoot({ ...newStore(), instance })] });
    const kvi = app.get(KviService);
    await kvi.store('instances/aaa', value);
    expect((await kvi.instances()).map(({ id }) => id)).toEqual(['one']);
  });

  it('is refused where the module was not told where they are', async () => {
    const app = await start({ imports: [HmEtcdModule.forRoot({ name: 'billing', ...newStore() })] });
    const call = app.get<KviService>("nestjs-hmetcd connection 'billing'").instances();
    await expect(call).rejects.toThrow(InvalidArgumentError);
    await expect(call).rejects.toThrow(NO_INSTANCE_OPTION('billing'));
  });
});
