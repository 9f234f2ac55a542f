import { KVI_OPTION_CHECKS, parseEndpoint } from '../kvi/options.js';
import {
  checkBoolean,
  checkFunction,
  checkKey,
  isRecord,
  readArray,
  readFields,
  refuse,
} from '../kvi/validate.js';
import { InvalidArgumentError } from '../store/errors.js';
import type {
  HmEtcdAsyncAnswer,
  HmEtcdConnectionOptions,
  HmEtcdModuleAsyncOptions,
  HmEtcdModuleOptions,
  InstanceOptions,
} from './hmetcd-options.interface.js';
import { ONE_FACTORY } from './hmetcd.messages.js';

export function checkConnectionName(argument: string, name: unknown): asserts name is string {
  if (typeof name !== 'string' || name === '') throw refuse(argument, 'a non-empty string', name);
}

const CONNECTION_CHECKS = {
  ...KVI_OPTION_CHECKS,
  endpoint: (name: string, value: unknown) => void parseEndpoint(name, value),
  instance: (name: string, value: unknown) => void readInstanceOptions(name, value),
};

const NEST_CHECKS = {
  name: checkConnectionName,
  isGlobal: checkBoolean,
};

/** Checks the argument of `forRoot`, and gives it one form. */
export function readModuleOptions(
  given: string | readonly string[] | HmEtcdModuleOptions,
): HmEtcdModuleOptions {
  if (isEndpoint(given)) return readEndpoint(given);
  const options = readFields<HmEtcdModuleOptions>('options', given, { ...CONNECTION_CHECKS, ...NEST_CHECKS });
  parseEndpoint('options.endpoint', options.endpoint);
  return options;
}

/** Checks what a factory answered, and gives it one form. */
export function readConnectionOptions(given: HmEtcdAsyncAnswer): HmEtcdConnectionOptions {
  if (isEndpoint(given)) return readEndpoint(given);
  const options = readFields<HmEtcdConnectionOptions>('options', given, CONNECTION_CHECKS);
  parseEndpoint('options.endpoint', options.endpoint);
  return options;
}

/** Checks the argument of `forRootAsync`, and answers a copy. */
export function readAsyncOptions(given: HmEtcdModuleAsyncOptions): HmEtcdModuleAsyncOptions {
  const options = readFields<HmEtcdModuleAsyncOptions>('options', given, {
    ...NEST_CHECKS,
    imports: () => {},
    inject: () => {},
    useFactory: checkFunction,
    useClass: checkFunction,
    useExisting: checkToken,
  });
  const sources = [options.useFactory, options.useClass, options.useExisting].filter(
    (source) => source !== undefined,
  );
  if (sources.length !== 1) throw new InvalidArgumentError(ONE_FACTORY);
  return {
    ...options,
    imports: readList('options.imports', options.imports) as HmEtcdModuleAsyncOptions['imports'],
    inject: readList('options.inject', options.inject) as HmEtcdModuleAsyncOptions['inject'],
  };
}

/** Anything that is no object was meant as an endpoint, and its error should say so. */
function isEndpoint(given: unknown): given is string | readonly string[] {
  return !isRecord(given);
}

function readEndpoint(endpoint: string | readonly string[]): HmEtcdConnectionOptions {
  parseEndpoint('endpoint', endpoint);
  return { endpoint };
}

export function readInstanceOptions(argument: string, given: unknown): InstanceOptions {
  const instance = readFields<InstanceOptions>(argument, given, { prefix: checkKeyPart, id: checkKeyPart });
  checkKeyPart(`${argument}.prefix`, instance.prefix);
  return instance;
}

function checkKeyPart(argument: string, part: unknown): void {
  checkKey(argument, part);
}

function readList(argument: string, given: unknown): unknown[] {
  return given === undefined ? [] : readArray(argument, 'an array', given);
}

function checkToken(argument: string, given: unknown): void {
  const isToken =
    typeof given === 'function' || typeof given === 'symbol' || (typeof given === 'string' && given);
  if (!isToken) throw refuse(argument, 'a class, a string or a symbol', given);
}
