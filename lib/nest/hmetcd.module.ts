import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ConnectionLifecycle } from './connection.lifecycle.js';
import { DistLockedExplorer } from './dist-locked.explorer.js';
import { DistLockedMetadataAccessor } from './dist-locked.metadata-accessor.js';
import { ElectionExplorer } from './election.explorer.js';
import { ElectionMetadataAccessor } from './election.metadata-accessor.js';
import { ElectionOrchestrator } from './election.orchestrator.js';
import { FromKeyExplorer } from './from-key.explorer.js';
import { FromKeyMetadataAccessor } from './from-key.metadata-accessor.js';
import { fromKeyProviders } from './from-key.provider.js';
import { readAsyncOptions, readModuleOptions } from './hmetcd-options.checks.js';
import type {
  HmEtcdModuleAsyncOptions,
  HmEtcdModuleOptions,
  HmEtcdOptionsFactory,
} from './hmetcd-options.interface.js';
import { InvalidArgumentError } from '../store/errors.js';
import { HMETCD_OPTIONS } from './hmetcd.constants.js';
import { NO_OPTIONS_FACTORY } from './hmetcd.messages.js';
import { InstanceMarker } from './instance.marker.js';
import { KeyChangeExplorer } from './key-change.explorer.js';
import { KeyChangeMetadataAccessor } from './key-change.metadata-accessor.js';
import { KeyChangeOrchestrator } from './key-change.orchestrator.js';
import { kviProviders } from './kvi.provider.js';
import { getKviToken } from './kvi.tokens.js';
import { LiveValueRegistry } from './live-value.registry.js';
import { ProviderScanner } from './provider.scanner.js';

/**
 * Connects an application to a store: opens the connection before the application starts, provides it as
 * `KviService`, and closes it in `onApplicationShutdown`. Import it once for each connection.
 *
 * The application does not start when the store does not answer within `connectTimeoutMs`.
 *
 * @publicApi
 */
@Module({})
export class HmEtcdModule {
  /**
   * A connection to an endpoint with the defaults of every option, or one as the options say.
   *
   * @throws InvalidArgumentError that names the option and what it may be
   */
  static forRoot(endpointOrOptions: string | readonly string[] | HmEtcdModuleOptions): DynamicModule {
    const { name, isGlobal, ...answer } = readModuleOptions(endpointOrOptions);
    return connectionModule({ name, isGlobal }, [{ provide: HMETCD_OPTIONS, useValue: answer }]);
  }

  /**
   * A connection as a factory says: an endpoint or options, given by `useFactory`, `useClass` or `useExisting`.
   * `name` and `isGlobal` stand beside it, for Nest must know them before the factory can be asked. What the factory
   * answers is checked when the application starts.
   *
   * @throws InvalidArgumentError that names the option and what it may be
   */
  static forRootAsync(options: HmEtcdModuleAsyncOptions): DynamicModule {
    const given = readAsyncOptions(options);
    return connectionModule(given, asyncProviders(given));
  }
}

function connectionModule(
  { name, isGlobal = true, imports = [] }: Pick<HmEtcdModuleAsyncOptions, 'name' | 'isGlobal' | 'imports'>,
  optionsProviders: Provider[],
): DynamicModule {
  const ownProviders = [
    ...optionsProviders,
    ...kviProviders(name),
    ProviderScanner,
    DistLockedMetadataAccessor,
    DistLockedExplorer,
    FromKeyMetadataAccessor,
    FromKeyExplorer,
    LiveValueRegistry,
    KeyChangeMetadataAccessor,
    KeyChangeExplorer,
    KeyChangeOrchestrator,
    ElectionMetadataAccessor,
    ElectionExplorer,
    ElectionOrchestrator,
    InstanceMarker,
    ConnectionLifecycle,
  ];
  return {
    module: HmEtcdModule,
    global: isGlobal,
    imports: [DiscoveryModule, ...imports],
    // Asked for when Nest looks through the application: by then also what is imported after this call is decorated.
    get providers() {
      return [...ownProviders, ...fromKeyProviders(name)];
    },
    get exports() {
      return [getKviToken(name), ...fromKeyProviders(name).map(({ provide }) => provide)];
    },
  };
}

function asyncProviders({
  useFactory,
  inject = [],
  useClass,
  useExisting,
}: HmEtcdModuleAsyncOptions): Provider[] {
  if (useFactory !== undefined) return [{ provide: HMETCD_OPTIONS, useFactory, inject }];
  const source = (useClass ?? useExisting)!;
  const answer = {
    provide: HMETCD_OPTIONS,
    useFactory: (factory: Partial<HmEtcdOptionsFactory> | undefined) => {
      if (typeof factory?.createHmEtcdOptions !== 'function')
        throw new InvalidArgumentError(NO_OPTIONS_FACTORY);
      return factory.createHmEtcdOptions();
    },
    inject: [source],
  };
  return useClass === undefined ? [answer] : [answer, useClass];
}
