import { types } from 'node:util';
import { InvalidArgumentError, isOurs } from '../store/errors.js';
import { NOT_A_METHOD, NOT_DECORATED } from './hmetcd.messages.js';

/** What a method decorator is applied to. */
export interface Decorated {
  readonly target: object;
  readonly key: string | symbol;
  readonly descriptor: PropertyDescriptor | undefined;
}

/**
 * Puts a decorator in its place. What it stands on is the compiler's to say, which may follow other rules than ours, and
 * anybody's who calls it: what that throws says nothing of what to do.
 *
 * @throws InvalidArgumentError that says where the decorator belongs
 */
export function decorating(decorator: string, place: string, decorate: () => void): void {
  try {
    decorate();
  } catch (error) {
    if (isOurs(error)) throw error;
    throw new InvalidArgumentError(NOT_DECORATED(decorator, place), { cause: error });
  }
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * The method that was decorated.
 *
 * @throws InvalidArgumentError for a static method, a property, an accessor, a generator
 */
export function methodOf(decorator: string, { target, key, descriptor }: Decorated): Method {
  const kind = wrongKind(target, descriptor);
  if (kind !== undefined)
    throw new InvalidArgumentError(NOT_A_METHOD(decorator, memberName(target, key), kind));
  return descriptor!.value as Method;
}

/**
 * The method that Nest is to find by its name, and the library to call.
 *
 * @throws InvalidArgumentError as {@link methodOf}, and for a method named by a symbol: Nest's scan would not see it
 */
export function handlerOf(decorator: string, decorated: Decorated): Method {
  const { target, key } = decorated;
  const method = methodOf(decorator, decorated);
  if (typeof key === 'symbol') {
    throw new InvalidArgumentError(NOT_A_METHOD(decorator, memberName(target, key), 'named by a symbol'));
  }
  return method;
}

export function memberName(target: object, key: string | symbol): string {
  const owner = typeof target === 'function' ? target : target.constructor;
  return `${owner.name}.${String(key)}`;
}

function wrongKind(target: object, descriptor: PropertyDescriptor | undefined): string | undefined {
  if (typeof target === 'function') return 'static';
  if (descriptor === undefined) return 'a property';
  if (descriptor.get !== undefined || descriptor.set !== undefined) return 'an accessor';
  if (typeof descriptor.value !== 'function') return 'no function';
  if (types.isGeneratorFunction(descriptor.value)) return 'a generator';
  return undefined;
}
