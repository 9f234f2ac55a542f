import { afterEach, describe, expect, it } from '@jest/globals';
import { type DynamicModule, Injectable, Module } from '@nestjs/common';
import {
  currentLock,
  DistLocked,
  FromKey,
  getKviToken,
  HmEtcdModule,
  InjectKvi,
  InvalidArgumentError,
  KviService,
  type LiveValue,
  LockLostError,
  OnDeposed,
  OnElected,
  OnKeyChange,
  PUT,
  type KeyChange,
  RequestTimeoutError,
  UnavailableError,
} from '../../lib/index.js';
import { getTestStoreToken, HmEtcdTestingModule, TestStore } from '../../lib/testing/index.js';
import { close, closeAll, start } from '../nest/support/apps.js';
import { RecordingLogger } from '../support/recording-logger.js';

/** Nobody listens there. */
const ETCD = 'http://127.0.0.1:1';

const logger = new RecordingLogger();

@Injectable()
class Worker {
  readonly seen: string[] = [];
  leads = false;

  constructor(
    readonly kvi: KviService,
    @FromKey('config/limit', { default: '5' }) readonly limit: LiveValue<string>,
  ) {}

  @DistLocked(0, { name: 'work' })
  async work(step: () => Promise<void>): Promise<void> {
    await step();
    currentLock()?.assertHeld();
  }

  @OnKeyChange('config/limit', PUT, { initial: true })
  changed({ value }: KeyChange): void {
    this.seen.push(value!);
  }

  @OnElected('leader')
  lead(): void {
    this.leads = true;
  }

  @OnDeposed('leader')
  stepDown(): void {
    this.leads = false;
  }
}

afterEach(closeAll);

describe('forRoot', () => {
  it('gives everything that a connection gives, over a store of the test', async () => {
    const app = await start({ imports: [HmEtcdTestingModule.forRoot({ logger })], providers: [Worker] });
    const [worker, store] = [app.get(Worker), app.get(TestStore)];
    const outside = await store.open({ logger });
    await outside.store('config/limit', '7');
    await store.clock.advance(0);
    expect(worker.seen).toEqual(['7']);
    expect(worker.limit.value).toBe('7');
    expect(worker.leads).toBe(true);
    const lost = worker.work(() => store.faultsOf(worker.kvi).loseLease());
    await expect(lost).rejects.toThrow(LockLostError);
    await outside.close();
  });

  it('takes the options of a connection', async () => {
    const options = { logger, lockName: 'mine', instance: { prefix: 'instances/' } };
    const app = await start({ imports: [HmEtcdTestingModule.forRoot(options)] });
    const kvi = app.get(KviService);
    expect(await kvi.instances()).toHaveLength(1);
    await kvi.distLock();
    expect((await kvi.lockInfo('mine')).holder).toBeDefined();
  });

  it('refuses options that are none', async () => {
    const imports = [HmEtcdTestingModule.forRoot({ logger, lockName: '' })];
    await expect(start({ imports })).rejects.toThrow(InvalidArgumentError);
  });

  it('gives each named connection a store of its own, or the one that it is handed', async () => {
    const store = new TestStore();
    const app = await start({
      imports: [
        HmEtcdTestingModule.forRoot({ logger }),
        HmEtcdTestingModule.forRoot({ logger, name: 'orders', store }),
        HmEtcdTestingModule.forRoot({ logger, name: 'bills', store }),
      ],
    });
    const [plain, orders, bills] = [undefined, 'orders', 'bills'].map((name) =>
      app.get<KviService>(getKviToken(name)),
    );
    await orders!.store('a', '1');
    expect(await bills!.get('a')).toBe('1');
    expect(await plain!.get('a')).toBeUndefined();
    expect(app.get(getTestStoreToken('orders'))).toBe(store);
    expect(app.get(getTestStoreToken('bills'))).toBe(store);
    expect(app.get(getTestStoreToken())).not.toBe(store);
    store.faultsOf(orders!).failNext(1);
    expect(await bills!.get('a')).toBe('1');
    await expect(orders!.get('a')).rejects.toThrow(UnavailableError);
  });

  it('is seen by who imports it, where it is not global', async () => {
    @Module({ imports: [HmEtcdTestingModule.forRoot({ logger, isGlobal: false })], providers: [Worker] })
    class Feature {}
    const app = await start({ imports: [Feature] });
    expect(await app.get(Worker).kvi.get('a')).toBeUndefined();
    await expect(start({ imports: [Feature], providers: [Worker] })).rejects.toThrow(/KviService|resolve/);
  });
});

describe('replaceStores', () => {
  @Injectable()
  class Settings {
    readonly endpoint = ETCD;
  }

  @Module({ providers: [Settings], exports: [Settings] })
  class SettingsModule {}

  @Injectable()
  class Billing {
    constructor(@InjectKvi('bills') readonly kvi: KviService) {}
  }

  const application = (...connections: DynamicModule[]) => {
    @Module({ imports: connections, providers: [Worker] })
    class AppModule {}
    return AppModule;
  };

  it('stands in for the etcd of a module that knows nothing of it', async () => {
    const AppModule = application(HmEtcdModule.forRoot({ endpoint: ETCD, logger }));
    const app = await start({ imports: [AppModule, HmEtcdTestingModule.replaceStores()] });
    await app.get(KviService).store('config/limit', '7');
    await app.get(TestStore).clock.advance(0);
    expect(app.get(Worker).seen).toEqual(['7']);
  });

  it('wherever it stands among the imports', async () => {
    const AppModule = application(HmEtcdModule.forRoot({ endpoint: ETCD, logger, isGlobal: false }));
    const app = await start({ imports: [HmEtcdTestingModule.replaceStores(), AppModule] });
    expect(await app.get(Worker).kvi.get('a')).toBeUndefined();
  });

  it('for every connection, by whatever options; all others of them stay', async () => {
    const AppModule = application(
      HmEtcdModule.forRoot({ endpoint: ETCD, logger, requestTimeoutMs: 700 }),
      HmEtcdModule.forRootAsync({
        name: 'bills',
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: ({ endpoint }: Settings) => ({ endpoint, logger, namespace: 'bills/' }),
      }),
    );
    const app = await start({
      imports: [AppModule, HmEtcdTestingModule.replaceStores()],
      providers: [Billing],
    });
    await app.get(Billing).kvi.store('a', '1');
    const { kvi } = app.get(Worker);
    expect(await kvi.get('bills/a')).toBe('1');
    const store = app.get(TestStore);
    store.faults.freeze();
    const ended = kvi.get('a').catch((error: unknown) => error);
    await store.clock.advance(700);
    expect(await ended).toBeInstanceOf(RequestTimeoutError);
    expect(await ended).toMatchObject({ message: expect.stringContaining('within 700 ms') });
    store.faults.thaw();
  });

  it('lets replicas be tested against each other: one is cut off, and the other follows it', async () => {
    const store = new TestStore();
    const replicas = [];
    for (let i = 0; i < 2; i++) {
      const AppModule = application(HmEtcdModule.forRoot({ endpoint: ETCD, logger }));
      replicas.push(await start({ imports: [AppModule, HmEtcdTestingModule.replaceStores(store)] }));
    }
    const [first, second] = replicas.map((app) => app.get(Worker));
    await store.clock.advance(0);
    expect([first!.leads, second!.leads]).toEqual([true, false]);
    store.faultsOf(first!.kvi).freeze();
    await store.clock.advance(10_000);
    expect([first!.leads, second!.leads]).toEqual([false, true]);
    store.faultsOf(first!.kvi).thaw();
    await store.clock.advance(60_000);
    expect([first!.leads, second!.leads]).toEqual([false, true]);
    await close(replicas[1]!);
    await store.clock.advance(0);
    expect(first!.leads).toBe(true);
  });

  it('goes by one time: what an application waits for between two tries is over when the clock was moved', async () => {
    const AppModule = application(HmEtcdModule.forRoot({ endpoint: ETCD, logger }));
    const app = await start({ imports: [AppModule, HmEtcdTestingModule.replaceStores()] });
    const [worker, store] = [app.get(Worker), app.get(TestStore)];
    store.clock.stop();
    // The snapshot that a gap asks for fails, and so do the tries after it.
    store.faults.cutWatches();
    await worker.kvi.store('config/limit', '7');
    store.compact();
    store.faults.failNext(Infinity);
    store.faults.restoreWatches();
    await store.clock.advance(5000);
    expect(worker.seen).toEqual([]);
    store.faults.clear();
    await store.clock.advance(10_000);
    expect(worker.seen).toEqual(['7']);
    store.clock.start();
  });

  it('goes by one time for elections, too', async () => {
    const AppModule = application(HmEtcdModule.forRoot({ endpoint: ETCD, logger }));
    const app = await start({ imports: [AppModule, HmEtcdTestingModule.replaceStores()] });
    const [worker, store] = [app.get(Worker), app.get(TestStore)];
    store.clock.stop();
    store.faults.failNext(Infinity);
    await store.faults.loseLease();
    await store.clock.advance(30_000);
    expect(worker.leads).toBe(false);
    store.faults.clear();
    await store.clock.advance(10_000);
    expect(worker.leads).toBe(true);
    store.clock.start();
  });

  it('provides the store to whoever asks for it', async () => {
    const AppModule = application(HmEtcdModule.forRoot({ endpoint: ETCD, logger }));
    const store = new TestStore();
    const probe = { provide: 'probe', inject: [TestStore], useFactory: (injected: TestStore) => injected };
    const app = await start({
      imports: [AppModule, HmEtcdTestingModule.replaceStores(store)],
      providers: [probe],
    });
    expect(app.get('probe')).toBe(store);
  });

  it('leaves a connection alone that HmEtcdTestingModule.forRoot has given a store', async () => {
    const [own, common] = [new TestStore(), new TestStore()];
    const app = await start({
      imports: [
        HmEtcdTestingModule.forRoot({ logger, name: 'bills', store: own }),
        HmEtcdTestingModule.replaceStores(common),
      ],
      providers: [Billing],
    });
    expect(() => own.faultsOf(app.get(Billing).kvi)).not.toThrow();
  });

  it('does not get into the way of a mock', async () => {
    const AppModule = application(HmEtcdModule.forRoot({ endpoint: ETCD, logger }));
    const mock = { get: async () => 'mocked' };
    const app = await start({ imports: [AppModule, HmEtcdTestingModule.replaceStores()] }, (builder) =>
      builder.overrideProvider(KviService).useValue(mock),
    );
    expect(await app.get(Worker).kvi.get('a')).toBe('mocked');
  });
});
