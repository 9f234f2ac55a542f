import type { ModulesContainer } from '@nestjs/core';
import type { Connection } from './connection.settings.js';
import { HMETCD_CONNECTION } from './hmetcd.constants.js';

/** The names of all connections of an application. */
export function connectionNames(modules: ModulesContainer): Set<string | undefined> {
  const wrappers = [...modules.values()].map(({ providers }) => providers.get(HMETCD_CONNECTION));
  const connections = wrappers.map((wrapper) => wrapper?.instance as Connection | undefined);
  return new Set(connections.flatMap((connection) => (connection ? [connection.settings.name] : [])));
}
