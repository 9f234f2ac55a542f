import {
  checkHoldTimes,
  checkLockName,
  checkPositiveSeconds,
  checkSeconds,
  isRecord,
  readFields,
  refuse,
} from '../kvi/validate.js';
import { injectConnection } from './connection.property.js';
import { decorating, memberName, methodOf } from './decorated-method.js';
import { setDistLockedMetadata } from './dist-locked.metadata-accessor.js';
import { LockedMethod, type LockedMethodOptions } from './dist-locked.method.js';
import { checkConnectionName } from './hmetcd-options.checks.js';
import { replaceMethod } from './method-replacement.js';

/**
 * Makes the name of a lock. Declares the types of the parameters it takes, which must be those of the method.
 *
 * @publicApi
 */
export type LockNamer = (...args: never[]) => string;

/**
 * Which lock a method runs under, for how long, and what becomes of a call that does not get it or loses it.
 *
 * @publicApi
 */
export interface DistLockedOptions<Namer extends LockNamer = LockNamer> {
  /**
   * The lock, or a function that makes its name of the method's own arguments, called on the method's object. Write
   * `/` in an argument as something else: a name must not be a path prefix of another. Must not be a prefix of data
   * keys.
   *
   * @default the connection's `lockName`, one lock for all methods that name none
   */
  readonly name?: string | Namer;

  /**
   * Seconds for which the lock stays taken at least, counted from its grant, also when the method has ended; not more
   * than `maxHoldSec`. The caller does not wait for it.
   *
   * For schedules: `@DistLocked(0, { onTimeout: 'skip', minHoldSec: 0.5 })` under `@Cron` runs the method _once per
   * tick_, as long as the replicas come to a tick less than `minHoldSec` apart, and that distance and `minHoldSec`
   * together are shorter than the period. Without it the method never runs twice at once, but a replica whose clock is
   * behind runs a short method again. When a replica is shut down or killed in that time, the lock is free within
   * `sessionTtlSec`, and ticks until then are missed.
   *
   * @default undefined the lock is given back when the method ends
   */
  readonly minHoldSec?: number;

  /**
   * Seconds after which the hold ends by itself: `currentLock().signal` aborts, then the lock is freed.
   *
   * @default undefined as long as the method runs
   */
  readonly maxHoldSec?: number;

  /**
   * When the lock is not had within `timeoutSec`: reject with LockTimeoutError, or answer undefined and write a
   * debug line.
   *
   * @default 'throw'
   */
  readonly onTimeout?: 'throw' | 'skip';

  /**
   * When the lock was lost under a method that succeeded: reject with LockLostError, or answer its result.
   *
   * @default 'throw'
   */
  readonly onLost?: 'throw' | 'ignore';

  /**
   * The name of the connection that the lock is taken on.
   *
   * @default undefined the connection without a name
   */
  readonly connection?: string;
}

/**
 * How long a call waits for its lock.
 *
 * @publicApi
 */
export interface DistLockedTimeout {
  /**
   * Seconds to wait for the lock, inside the process and for the store; 0 is one try.
   *
   * @default undefined for ever
   */
  readonly timeoutSec?: number;
}

type Throwing = { readonly onTimeout?: 'throw' };
type Skipping = { readonly onTimeout: 'throw' | 'skip' };

type AsyncMethod = (...args: never[]) => Promise<unknown>;

/** The method's arguments must suit `name`; a name that is no function leaves the type parameter at its bound. */
type SuitsName<Method extends AsyncMethod, Namer extends LockNamer> = LockNamer extends Namer
  ? unknown
  : OmitThisParameter<Namer> extends (...args: Parameters<Method>) => string
    ? unknown
    : { readonly "options.name must declare the method's own parameters, with their types": never };

/** What a skipped call answers must be among what the method answers. */
type MayBeUndefined<Method extends AsyncMethod> =
  undefined extends Awaited<ReturnType<Method>>
    ? unknown
    : {
        readonly "with onTimeout: 'skip' the method must answer Promise<T | undefined> or Promise<void>": never;
      };

/**
 * Takes methods that return a promise.
 *
 * @publicApi
 */
export type LockedMethodDecorator<Namer extends LockNamer> = <Method extends AsyncMethod>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method> & SuitsName<Method, Namer>,
) => void;

/**
 * Takes methods that return a promise which may be of undefined.
 *
 * @publicApi
 */
export type SkippableMethodDecorator<Namer extends LockNamer> = <Method extends AsyncMethod>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method> & SuitsName<Method, Namer> & MayBeUndefined<Method>,
) => void;

/**
 * Runs the method under a distributed lock: one call at a time in all processes. Calls in one process queue in
 * order. A call from inside, on the same lock, passes through. The result and the error object of the method reach
 * the caller unchanged; `currentLock()` is the hold.
 *
 * Works above and below other decorators, on every class that Nest makes an object of, and on objects that are
 * providers by `useValue` or `useFactory`. It takes methods that return a promise: an Observable, a stream or an
 * iterator as a result is refused, for it goes on after the lock is given back.
 *
 * The call rejects with LockTimeoutError or LockLostError unless `onTimeout` and `onLost` say otherwise, and with
 * what `withLock` rejects with.
 *
 * @param timeoutSec seconds to wait for the lock, inside the process and for the store; 0 is one try; left out: for
 * ever
 * @throws InvalidArgumentError for a wrong argument, a static method, a property, an accessor, a generator
 *
 * @publicApi
 */
export function DistLocked<Namer extends LockNamer = () => string>(
  timeoutSec?: number,
  options?: DistLockedOptions<Namer> & Throwing,
): LockedMethodDecorator<Namer>;
/** With `onTimeout: 'skip'` a call that does not get the lock in time answers undefined. */
export function DistLocked<Namer extends LockNamer = () => string>(
  timeoutSec: number | undefined,
  options: DistLockedOptions<Namer> & Skipping,
): SkippableMethodDecorator<Namer>;
/** The same as one object. */
export function DistLocked<Namer extends LockNamer = () => string>(
  options: DistLockedTimeout & DistLockedOptions<Namer> & Throwing,
): LockedMethodDecorator<Namer>;
/** The same as one object, with `onTimeout: 'skip'`. */
export function DistLocked<Namer extends LockNamer = () => string>(
  options: DistLockedTimeout & DistLockedOptions<Namer> & Skipping,
): SkippableMethodDecorator<Namer>;
export function DistLocked(
  timeoutOrOptions?: number | LockedMethodOptions,
  options?: LockedMethodOptions,
): (target: object, key: string | symbol, descriptor: PropertyDescriptor) => void {
  const given = readArguments(timeoutOrOptions, options);
  checkHoldTimes('options', given);
  const { connection, name } = given;
  return (target, key, descriptor) =>
    decorating('@DistLocked', 'a method', () => {
      const method = methodOf('@DistLocked', { target, key, descriptor });
      const locked = new LockedMethod(method, memberName(target, key), given);
      const replacement = replaceMethod(method, function (this: unknown, ...args: unknown[]) {
        return locked.call(this, args);
      });
      setDistLockedMetadata(replacement, { connection, usesDefaultLock: name === undefined });
      descriptor.value = replacement;
      injectConnection(target, connection);
    });
}

const OPTION_CHECKS = {
  name: checkNameOption,
  minHoldSec: checkPositiveSeconds,
  maxHoldSec: checkPositiveSeconds,
  onTimeout: oneOf('throw', 'skip'),
  onLost: oneOf('throw', 'ignore'),
  connection: checkConnectionName,
};

const TIMEOUT_CHECK = { timeoutSec: checkSeconds };

function readArguments(
  timeoutOrOptions: number | LockedMethodOptions | undefined,
  options: LockedMethodOptions | undefined,
): LockedMethodOptions {
  if (isRecord(timeoutOrOptions) && options === undefined) {
    return readFields<LockedMethodOptions>('options', timeoutOrOptions, {
      ...TIMEOUT_CHECK,
      ...OPTION_CHECKS,
    });
  }
  if (timeoutOrOptions !== undefined) checkSeconds('timeoutSec', timeoutOrOptions);
  if (options === undefined) return { timeoutSec: timeoutOrOptions };
  const given = readFields<Omit<LockedMethodOptions, 'timeoutSec'>>('options', options, OPTION_CHECKS);
  return { ...given, timeoutSec: timeoutOrOptions };
}

function checkNameOption(argument: string, name: unknown): void {
  if (typeof name !== 'function') checkLockName(argument, name);
}

function oneOf(...allowed: string[]) {
  return (argument: string, given: unknown): void => {
    if (!allowed.includes(given as string)) throw refuse(argument, `'${allowed.join("' or '")}'`, given);
  };
}
