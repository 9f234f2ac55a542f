import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { getKviToken, HmEtcdModule, InjectKvi, InvalidArgumentError, KviService } from '../../lib/index.js';
import { DistLocked, OnKeyChange, type KeyChange } from '../../lib/index.js';
import type { HmEtcdAsyncAnswer, HmEtcdOptionsFactory } from '../../lib/index.js';
import { DUPLICATE_CONNECTION } from '../../lib/nest/hmetcd.messages.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { closeAll, start } from './support/apps.js';
import { newStore, openOn, type Place } from './support/stores.js';

afterEach(closeAll);

const BILLING = getKviToken('billing');

/** Of one test: where a connection is told its endpoint alone, it shares etcd's root with the other tests. */
let ownKey: string;

beforeEach(() => {
  ownKey = randomUUID();
});

@Injectable()
class Reader {
  constructor(readonly kvi: KviService) {}
}

@Injectable()
class BillingReader {
  constructor(@InjectKvi('billing') readonly kvi: KviService) {}
}

describe('HmEtcdModule.forRoot', () => {
  it.each<[string, (endpoint: string) => DynamicModule]>([
    ['an endpoint', (endpoint) => HmEtcdModule.forRoot(endpoint)],
    ['an array of endpoints', (endpoint) => HmEtcdModule.forRoot([endpoint])],
    ['options', (endpoint) => HmEtcdModule.forRoot({ endpoint })],
  ])('connects to %s', async (_title, forRoot) => {
    const { endpoint } = newStore();
    const app = await start({ imports: [forRoot(endpoint)], providers: [Reader] });
    await app.get(Reader).kvi.store(ownKey, 'value');

    await using other = await opened({ endpoint, namespace: '' });
    expect(await other.kvi.get(ownKey)).toBe('value');
  });

  it('keeps named connections apart, and each is a KviService', async () => {
    const app = await start({
      imports: [HmEtcdModule.forRoot(newStore()), HmEtcdModule.forRoot({ name: 'billing', ...newStore() })],
      providers: [Reader, BillingReader],
    });
    const { kvi } = app.get(Reader);
    const { kvi: billing } = app.get(BillingReader);
    await kvi.store('key', 'plain');
    await billing.store('key', 'billing');

    expect(await kvi.get('key')).toBe('plain');
    expect(kvi).toBeInstanceOf(KviService);
    expect(billing).toBeInstanceOf(KviService);
    expect(app.get(BILLING)).toBe(billing);
  });

  it('is seen by every module, unless isGlobal is false', async () => {
    @Module({ providers: [Reader] })
    class Feature {}
    const store = newStore();

    await expect(start({ imports: [HmEtcdModule.forRoot(store), Feature] })).resolves.toBeDefined();
    await expect(
      start({ imports: [HmEtcdModule.forRoot({ ...store, isGlobal: false }), Feature] }),
    ).rejects.toThrow(/can't resolve dependencies of the Reader/);
  });

  it('passes its options on to the connection', async () => {
    const store = newStore();
    const namespace = `${store.namespace}team/`;
    const app = await start({ imports: [HmEtcdModule.forRoot({ ...store, namespace })] });
    await app.get(KviService).store('key', 'value');

    await using other = await opened(store);
    expect(await other.kvi.get('team/key')).toBe('value');
  });

  it('logs to the logger of the options', async () => {
    const logger = new RecordingLogger();
    const app = await start({ imports: [HmEtcdModule.forRoot({ ...newStore(), logger })] });
    await app.close();
    expect(logger.at('log')).toEqual([expect.stringMatching(/^Connected/), expect.stringMatching(/^Closed/)]);
  });
});

describe('two modules with one connection name', () => {
  it.each<[string, string | undefined]>([
    ['a name', 'billing'],
    ['none', undefined],
  ])('are refused: %s', async (_title, name) => {
    const imports = [newStore(), newStore()].map((store) => HmEtcdModule.forRoot({ name, ...store }));
    const starting = start({ imports });
    await expect(starting).rejects.toThrow(InvalidArgumentError);
    await expect(starting).rejects.toThrow(DUPLICATE_CONNECTION(name));
  });

  it('are refused also when both come from forRootAsync, in modules of their own', async () => {
    const forRootAsync = (): DynamicModule =>
      HmEtcdModule.forRootAsync({ name: 'billing', useFactory: () => newStore() });
    @Module({ imports: [forRootAsync()] })
    class One {}
    @Module({ imports: [forRootAsync()] })
    class Two {}
    await expect(start({ imports: [One, Two] })).rejects.toThrow(DUPLICATE_CONNECTION('billing'));
  });

  it('are one when it is the same module object, wherever it is imported', async () => {
    const connection = HmEtcdModule.forRoot(newStore());
    @Module({ imports: [connection], providers: [Reader], exports: [Reader] })
    class One {}
    @Module({ imports: [connection, One] })
    class Two {}
    const app = await start({ imports: [One, Two, connection] });
    expect(app.get(Reader).kvi).toBe(app.get(KviService));
  });

  it('are no conflict in two applications', async () => {
    const connection = HmEtcdModule.forRoot(newStore());
    const apps = [await start({ imports: [connection] }), await start({ imports: [connection] })];
    expect(apps[0]!.get(KviService)).not.toBe(apps[1]!.get(KviService));
  });
});

describe('HmEtcdModule.forRootAsync', () => {
  @Injectable()
  class Config {
    readonly store = newStore();
  }

  @Module({ providers: [Config], exports: [Config] })
  class ConfigModule {}

  @Injectable()
  class Factory implements HmEtcdOptionsFactory {
    readonly store = newStore();

    async createHmEtcdOptions(): Promise<HmEtcdAsyncAnswer> {
      return { ...this.store, namespace: `${this.store.namespace}factory/` };
    }
  }

  @Module({ providers: [Factory], exports: [Factory] })
  class FactoryModule {}

  it('asks a factory for an endpoint, with what it injects', async () => {
    const app = await start({
      imports: [
        HmEtcdModule.forRootAsync({
          imports: [ConfigModule],
          inject: [Config],
          useFactory: (config: Config) => config.store.endpoint,
        }),
      ],
    });
    await app.get(KviService).store(ownKey, 'value');
    await using other = await opened({ ...app.get(Config).store, namespace: '' });
    expect(await other.kvi.get(ownKey)).toBe('value');
  });

  it('asks a class for options', async () => {
    const app = await start({ imports: [HmEtcdModule.forRootAsync({ name: 'billing', useClass: Factory })] });
    await app.get<KviService>(BILLING).store('key', 'value');
    await using other = await opened(app.get(Factory).store);
    expect(await other.kvi.get('factory/key')).toBe('value');
  });

  it('asks an existing provider for options', async () => {
    const app = await start({
      imports: [HmEtcdModule.forRootAsync({ imports: [FactoryModule], useExisting: Factory })],
    });
    await app.get(KviService).store('key', 'value');
    await using other = await opened(app.get(Factory).store);
    expect(await other.kvi.get('factory/key')).toBe('value');
  });

  it('takes isGlobal beside the factory', async () => {
    @Module({ providers: [Reader] })
    class Feature {}
    const imports = [HmEtcdModule.forRootAsync({ isGlobal: false, useFactory: () => newStore() }), Feature];
    await expect(start({ imports })).rejects.toThrow(/can't resolve dependencies of the Reader/);
  });
});

describe('overrideProvider(KviService)', () => {
  @Injectable()
  class Service {
    @DistLocked(1)
    async locked(): Promise<string> {
      return 'done';
    }

    @OnKeyChange('key')
    changed(_change: KeyChange): void {}

    @OnKeyChange('key', undefined, { initial: true })
    changedInitially(_change: KeyChange): void {}
  }

  const startWith = (mock: object, logger = new RecordingLogger()) =>
    start(
      {
        // Were it opened, the start would fail: no store is there.
        imports: [
          HmEtcdModule.forRoot({
            endpoint: 'http://127.0.0.1:1',
            instance: { prefix: 'instances/' },
            logger,
          }),
        ],
        providers: [Service],
      },
      (builder) => builder.overrideProvider(KviService).useValue(mock),
    );

  it('fails without a mock, so that the tests below mean something', async () => {
    const imports = [HmEtcdModule.forRoot({ endpoint: 'http://127.0.0.1:1', connectTimeoutMs: 100 })];
    await expect(start({ imports })).rejects.toThrow('http://127.0.0.1:1');
  });

  it('connects to nothing, and starts with a mock that knows nothing', async () => {
    const logger = new RecordingLogger();
    const app = await startWith({}, logger);
    await app.close();
    expect(logger.lines).toEqual([
      { level: 'debug', message: expect.stringContaining('Service.changed, Service.changedInitially') },
      { level: 'debug', message: expect.stringContaining('instance marker') },
    ]);
  });

  it('starts with a mock whose functions answer nothing', async () => {
    const mock = { changes: jest.fn(), snapshot: jest.fn(), tempKey: jest.fn(), close: jest.fn() };
    const app = await startWith(mock);
    expect(mock.tempKey).toHaveBeenCalledTimes(1);
    await app.close();
    expect(mock.close).toHaveBeenCalledTimes(1);
  });

  it('starts with a mock that answers anything with a mock', async () => {
    const anything: object = new Proxy(() => anything, {
      get: (_target, key) => (key === 'then' ? undefined : anything),
    });
    await expect(startWith(anything)).resolves.toBeDefined();
  });

  it('locks through the mock, under the default name', async () => {
    const withLock = jest.fn((_name: string, _options: object, fn: () => unknown) => fn());
    const app = await startWith({ withLock });
    expect(await app.get(Service).locked()).toBe('done');
    expect(withLock).toHaveBeenCalledWith('hbtd_dist_lock', { timeoutSec: 1 }, expect.any(Function));
  });

  it('takes a Kvi from open() as well', async () => {
    const store = newStore();
    await using own = await opened(store);
    const app = await startWith(own.kvi);
    expect(await app.get(Service).locked()).toBe('done');
    await using other = await opened(store);
    expect(await other.kvi.getPrefix('instances/')).toHaveLength(1);
  });
});

describe('without the module', () => {
  it('KviService among the providers is refused with what to do instead', async () => {
    await expect(Test.createTestingModule({ providers: [KviService] }).compile()).rejects.toThrow(
      /KviService is made by HmEtcdModule: import HmEtcdModule\.forRoot/,
    );
  });

  it('a mock under the class token serves the decorators', async () => {
    @Injectable()
    class Service {
      @DistLocked()
      async locked(): Promise<string> {
        return 'done';
      }
    }
    const withLock = (_name: string, _options: object, fn: () => unknown) => fn();
    const app = await start({ providers: [Service, { provide: KviService, useValue: { withLock } }] });
    expect(await app.get(Service).locked()).toBe('done');
  });
});

it.each([{ useClass: RecordingLogger as never }, { useFactory: () => 7 as never }])(
  'a factory that makes no options ends the start by an error that says so: %j',
  async (source) => {
    const starting = Test.createTestingModule({ imports: [HmEtcdModule.forRootAsync(source)] }).compile();
    await expect(starting).rejects.toThrow(InvalidArgumentError);
  },
);

describe('compile() without init()', () => {
  it('can be closed', async () => {
    const logger = new RecordingLogger();
    const app = await Test.createTestingModule({
      imports: [HmEtcdModule.forRoot({ ...newStore(), logger })],
    }).compile();
    const kvi = app.get(KviService);
    await app.close();
    await expect(kvi.get('key')).rejects.toThrow('closed');
  });
});

async function opened(store: Place) {
  const kvi = await openOn(store);
  return { kvi, [Symbol.asyncDispose]: () => kvi.close() };
}
