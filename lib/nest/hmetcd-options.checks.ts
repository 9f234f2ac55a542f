import { KVI_OPTION_CHECKS, parseEndpoint } from '../kvi/options.js';
import { checkBoolean, checkFields, checkFunction, checkKey, isRecord, refuse } from '../kvi/validate.js';
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
  instance: checkInstance,
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
  checkFields<HmEtcdModuleOptions>('options', given, { ...CONNECTION_CHECKS, ...NEST_CHECKS });
  parseEndpoint('options.endpoint', given.endpoint);
  return given;
}

/** Checks what a factory answered, and gives it one form. */
export function readConnectionOptions(given: HmEtcdAsyncAnswer): HmEtcdConnectionOptions {
  if (isEndpoint(given)) return readEndpoint(given);
  checkFields<HmEtcdConnectionOptions>('options', given, CONNECTION_CHECKS);
  parseEndpoint('options.endpoint', given.endpoint);
  return given;
}

export function checkAsyncOptions(given: HmEtcdModuleAsyncOptions): void {
  checkFields<HmEtcdModuleAsyncOptions>('options', given, {
    ...NEST_CHECKS,
    imports: checkArray,
    inject: checkArray,
    useFactory: checkFunction,
    useClass: checkFunction,
    useExisting: checkToken,
  });
  const sources = [given.useFactory, given.useClass, given.useExisting].filter(
    (source) => source !== undefined,
  );
  if (sources.length !== 1) throw new InvalidArgumentError(ONE_FACTORY);
}

/** Anything that is no object was meant as an endpoint, and its error should say so. */
function isEndpoint(given: unknown): given is string | readonly string[] {
  return !isRecord(given);
}

function readEndpoint(endpoint: string | readonly string[]): HmEtcdConnectionOptions {
  parseEndpoint('endpoint', endpoint);
  return { endpoint };
}

function checkInstance(argument: string, instance: unknown): void {
  checkFields<InstanceOptions>(argument, instance, { prefix: checkKeyPart, id: checkKeyPart });
  checkKeyPart(`${argument}.prefix`, instance.prefix);
}

function checkKeyPart(argument: string, part: unknown): void {
  checkKey(argument, part);
}

function checkArray(argument: string, given: unknown): void {
  if (!Array.isArray(given)) throw refuse(argument, 'an array', given);
}

function checkToken(argument: string, given: unknown): void {
  const isToken =
    typeof given === 'function' || typeof given === 'symbol' || (typeof given === 'string' && given);
  if (!isToken) throw refuse(argument, 'a class, a string or a symbol', given);
}
