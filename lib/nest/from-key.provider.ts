import { type FactoryProvider, Scope } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { orAbandon } from './connection.registry.js';
import { fromKeyMetadataOn, type FromKeyMetadata } from './from-key.metadata-accessor.js';
import type { LiveValue } from './live-value.js';
import { LiveValueRegistry } from './live-value.registry.js';

/**
 * A provider for each `@FromKey` on a connection, in all classes that were loaded, also those of other applications:
 * transient ones, because those are made only where they are injected.
 */
export function fromKeyProviders(connection: string | undefined): FactoryProvider[] {
  return fromKeyMetadataOn(connection).map(provider);
}

function provider(mark: FromKeyMetadata): FactoryProvider<LiveValue<unknown>> {
  return {
    provide: mark.token,
    scope: Scope.TRANSIENT,
    inject: [LiveValueRegistry, ModulesContainer],
    useFactory: (values: LiveValueRegistry, modules: ModulesContainer) =>
      orAbandon(modules, () => values.open(mark)),
  };
}
