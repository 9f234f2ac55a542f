import { Logger } from '@nestjs/common';
import {
  describeEndpoint,
  parseEndpoint,
  resolveKviOptions,
  type HmEtcdLogger,
  type ResolvedKviOptions,
} from '../kvi/options.js';
import type { StorePlace } from '../store/store.js';
import { readConnectionOptions, readInstanceOptions } from './hmetcd-options.checks.js';
import type { HmEtcdAsyncAnswer } from './hmetcd-options.interface.js';
import { LOGGER_CONTEXT } from './hmetcd.constants.js';
import { defaultInstanceId } from './instance.js';
import type { KviOpener } from './kvi.opener.js';

/** What the Nest side must know of a connection. No password is in here: the service that carries it may be printed. */
export interface ConnectionSettings {
  readonly name: string | undefined;
  readonly instance: { readonly prefix: string; readonly id: string } | undefined;
  readonly lockName: string;
  readonly shutdownTimeoutMs: number;
  readonly logger: HmEtcdLogger;
}

/** Where a connection leads, and how. */
export interface Connection {
  readonly endpoint: string | readonly string[];
  readonly options: ResolvedKviOptions;
  readonly settings: ConnectionSettings;
  readonly opener: KviOpener;
}

/** Which store a connection leads to, as it calls itself. */
export function placeOf({ endpoint, options }: Connection): StorePlace {
  return {
    endpoint: describeEndpoint(parseEndpoint('options.endpoint', endpoint)),
    namespace: options.namespace,
  };
}

/**
 * Once for each application: two that share a module object must not share an instance id.
 *
 * @throws InvalidArgumentError
 */
export function resolveConnection(
  name: string | undefined,
  answer: HmEtcdAsyncAnswer,
  opener: KviOpener,
): Connection {
  const { endpoint, instance, ...given } = readConnectionOptions(answer);
  const options = resolveKviOptions({ ...given, logger: given.logger ?? new Logger(LOGGER_CONTEXT) });
  const marker = instance && readInstanceOptions('options.instance', instance);
  return { endpoint, options, settings: settingsOf(name, options, marker), opener };
}

/** For a connection that is no `KviService`: a mock, or what `open()` answered. */
export function defaultSettings(name: string | undefined): ConnectionSettings {
  return settingsOf(name, resolveKviOptions({ logger: new Logger(LOGGER_CONTEXT) }));
}

function settingsOf(
  name: string | undefined,
  { lockName, shutdownTimeoutMs, logger }: ResolvedKviOptions,
  instance?: { readonly prefix: string; readonly id?: string },
): ConnectionSettings {
  const marker = instance && { prefix: instance.prefix, id: instance.id ?? defaultInstanceId() };
  return { name, instance: marker, lockName, shutdownTimeoutMs, logger };
}
