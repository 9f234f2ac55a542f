import type { FactoryProvider, Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { InvalidArgumentError } from '../store/errors.js';
import { connectionsOf, orAbandon } from './connection.registry.js';
import { resolveConnection, type Connection } from './connection.settings.js';
import type { HmEtcdAsyncAnswer } from './hmetcd-options.interface.js';
import { HMETCD_CONNECTION, HMETCD_KVI, HMETCD_OPENER, HMETCD_OPTIONS } from './hmetcd.constants.js';
import { DUPLICATE_CONNECTION } from './hmetcd.messages.js';
import { defaultOpener, type KviOpener } from './kvi.opener.js';
import { KviService } from './kvi.service.js';
import { getKviToken } from './kvi.tokens.js';

/**
 * The providers of one connection, over HMETCD_OPTIONS. Its settings come apart from the connection itself: who
 * overrides the connection by a mock still has them, and nothing connects.
 */
export function kviProviders(name: string | undefined): Provider[] {
  return [
    connectionProvider(name),
    kviProvider(name),
    { provide: HMETCD_KVI, useExisting: getKviToken(name) },
  ];
}

function connectionProvider(name: string | undefined): FactoryProvider<Connection> {
  return {
    provide: HMETCD_CONNECTION,
    inject: [HMETCD_OPTIONS, ModulesContainer, { token: HMETCD_OPENER, optional: true }],
    useFactory: (answer: HmEtcdAsyncAnswer, modules: ModulesContainer, opener: KviOpener = defaultOpener) =>
      orAbandon(modules, () => {
        refuseDuplicate(name, modules);
        return resolveConnection(name, answer, opener);
      }),
  };
}

function kviProvider(name: string | undefined): FactoryProvider<KviService> {
  return {
    provide: getKviToken(name),
    inject: [HMETCD_CONNECTION, ModulesContainer],
    useFactory: (connection: Connection, modules: ModulesContainer) =>
      orAbandon(modules, async () => {
        const kvi = await connection.opener.open(connection.endpoint, connection.options);
        await connectionsOf(modules).add(name, kvi);
        return new KviService(kvi, connection.settings);
      }),
  };
}

function refuseDuplicate(name: string | undefined, modules: ModulesContainer): void {
  const token = getKviToken(name);
  const defining = [...modules.values()].filter(
    ({ providers }) => providers.has(HMETCD_CONNECTION) && providers.has(token),
  );
  if (defining.length > 1) throw new InvalidArgumentError(DUPLICATE_CONNECTION(name));
}
