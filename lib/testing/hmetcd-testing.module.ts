import { Module, type DynamicModule, type InjectionToken } from '@nestjs/common';
import type { HmEtcdModuleOptions } from '../nest/hmetcd-options.interface.js';
import { HMETCD_OPENER } from '../nest/hmetcd.constants.js';
import { HmEtcdModule } from '../nest/hmetcd.module.js';
import type { KviOpener } from '../nest/kvi.opener.js';
import { getKviToken } from '../nest/kvi.tokens.js';
import { TestStore } from './test-store.js';

/** Who imports it opens its connections on a test store. */
@Module({})
class TestOpener {
  static on(store: TestStore): DynamicModule {
    const opener: KviOpener = { clock: store.clock, open: (_endpoint, options) => store.open(options) };
    return {
      module: TestOpener,
      providers: [{ provide: HMETCD_OPENER, useValue: opener }],
      exports: [HMETCD_OPENER],
    };
  }
}

/**
 * As for `HmEtcdModule`, without what says where the store is.
 *
 * @publicApi
 */
export interface HmEtcdTestingOptions extends Omit<HmEtcdModuleOptions, 'endpoint' | 'tls' | 'auth'> {
  /**
   * The store to connect to; give one to several applications to test replicas against each other.
   *
   * @default a new one
   */
  readonly store?: TestStore;
}

/**
 * `HmEtcdModule` over a {@link TestStore}, for tests.
 *
 * @publicApi
 */
@Module({})
export class HmEtcdTestingModule {
  /**
   * A connection, with everything that `HmEtcdModule.forRoot` gives; import it once for each connection. The store is
   * provided too: `app.get(TestStore)`, or `app.get(getTestStoreToken(name))` for a connection with a name.
   *
   * What is wrong with the options is told when the application is compiled.
   */
  static forRoot(options: HmEtcdTestingOptions = {}): DynamicModule {
    const { store = new TestStore(), name, isGlobal = true, ...answer } = options;
    const connection = HmEtcdModule.forRootAsync({
      name,
      isGlobal,
      imports: [TestOpener.on(store)],
      useFactory: () => ({ ...answer, endpoint: 'mem:' }),
    });
    const token = getTestStoreToken(name);
    return {
      module: HmEtcdTestingModule,
      global: isGlobal,
      imports: [connection],
      providers: [{ provide: token, useValue: store }],
      exports: [token, connection],
    };
  }

  /**
   * Stands beside the module under test, `imports: [AppModule, HmEtcdTestingModule.replaceStores()]`: whatever that
   * connects to by `HmEtcdModule.forRoot` or `forRootAsync`, under whatever name, is this store instead. All other options
   * stay as they are. The store is provided: `app.get(TestStore)`.
   *
   * @param store give one to several applications to test replicas against each other
   */
  static replaceStores(store: TestStore = new TestStore()): DynamicModule {
    return {
      module: HmEtcdTestingModule,
      global: true,
      imports: [TestOpener.on(store)],
      providers: [{ provide: TestStore, useValue: store }],
      exports: [TestStore, TestOpener],
    };
  }
}

/**
 * The token of the store that stands behind a connection of `HmEtcdTestingModule.forRoot`: the class {@link TestStore} for
 * the one without a name.
 *
 * @throws InvalidArgumentError
 *
 * @publicApi
 */
export function getTestStoreToken(name?: string): InjectionToken<TestStore> {
  return name === undefined ? TestStore : `${String(getKviToken(name))}: test store`;
}
