import { Inject, type Type } from '@nestjs/common';
import { checkKey, isRecord, readFields, refuse } from '../kvi/validate.js';
import { InvalidArgumentError } from '../store/errors.js';
import { decorating, memberName } from './decorated-method.js';
import { addFromKeyMetadata, type FromKeyMetadata } from './from-key.metadata-accessor.js';
import { checkConnectionName } from './hmetcd-options.checks.js';
import { LIVE_VALUE, NOT_INJECTED } from './hmetcd.messages.js';
import { isSchema, type ValueParser } from './value-parser.js';

/**
 * What becomes of the key's text, and what there is without one.
 *
 * @publicApi
 */
export interface FromKeyOptions<T> {
  /**
   * Makes the value of the key's text: a function of the text, or a Standard Schema (zod and others), which gets the
   * text parsed as JSON. Both must answer at once, no promise.
   *
   * @default undefined the value is the text
   */
  readonly parse?: ValueParser<T>;

  /**
   * The value while the key does not exist, and at the start also where it holds no good one. It is not parsed.
   *
   * @default none: the application does not start without a good value
   */
  readonly default?: NoInfer<T>;

  /**
   * The name of the connection whose key it is.
   *
   * @default undefined the connection without a name
   */
  readonly connection?: string;
}

type Text = { readonly parse?: undefined };
type Parsed<T> = { readonly parse: ValueParser<T> };

/**
 * Injects the value of a key as a {@link LiveValue}, kept up to date until shutdown: in a constructor parameter or a
 * property of any class that Nest constructs. It is there, and read, before the constructor is called; those who want
 * the same key with the same `parse` and `default` get the same object.
 *
 * The application does not start where the key has no good value and there is no `default`; the error names the class
 * and the key. In classes of lazily loaded modules it cannot be used.
 *
 * @throws InvalidArgumentError for a wrong argument, a static property, a method or a parameter of one
 *
 * @publicApi
 */
export function FromKey(
  key: string,
  options?: FromKeyOptions<string> & Text,
): PropertyDecorator & ParameterDecorator;
/** With `parse`, of the type that it answers: `@FromKey('limits', { parse: Limits }) limits: LiveValue<Limits>`. */
export function FromKey<T>(
  key: string,
  options: FromKeyOptions<T> & Parsed<T>,
): PropertyDecorator & ParameterDecorator;
export function FromKey(key: string, options: FromKeyOptions<unknown> = {}) {
  const given = readArguments(key, options);
  return (target: object, property: string | symbol | undefined, place?: unknown): void =>
    decorating('@FromKey', 'a constructor parameter or an instance property', () => {
      const owner = ownerOf(target, property, place);
      const metadata = { ...given, owner, token: Symbol(LIVE_VALUE(key, given.connection)) };
      addFromKeyMetadata(typeof target === 'function' ? target : target.constructor, metadata);
      Inject(metadata.token)(target, property, place as number);
    });
}

function readArguments(
  key: string,
  options: FromKeyOptions<unknown>,
): Omit<FromKeyMetadata, 'token' | 'owner'> {
  checkKey('key', key);
  const given = readFields<FromKeyOptions<unknown>>('options', options, {
    parse: checkParser,
    default: () => {},
    connection: checkConnectionName,
  });
  const { parse = asItIs, connection } = given;
  return { key, parse, connection, fallback: 'default' in given ? { value: given.default } : undefined };
}

/** One function for all: those who want the text share a value. */
function asItIs(text: string): string {
  return text;
}

function checkParser(argument: string, given: unknown): void {
  if (typeof given !== 'function' && !isSchema(given)) {
    throw refuse(argument, 'a function or a Standard Schema', given);
  }
}

/** The place as an error names it. */
function ownerOf(target: object, property: string | symbol | undefined, place: unknown): string {
  if (property === undefined && typeof place === 'number') return (target as Type).name;
  const member = memberName(target, property ?? 'constructor');
  const kind = property === undefined ? 'a class' : wrongKind(target, place);
  if (kind !== undefined) throw new InvalidArgumentError(NOT_INJECTED('@FromKey', member, kind));
  return member;
}

function wrongKind(target: object, place: unknown): string | undefined {
  if (typeof place === 'number') return 'a method';
  if (typeof target === 'function') return 'static';
  if (!isRecord(place)) return undefined;
  if ('get' in place) return 'an accessor';
  return typeof place['value'] === 'function' ? 'a method' : undefined;
}
