import { LockLostError, LockTimeoutError } from '../kvi/errors.js';
import { checkLockName } from '../kvi/validate.js';
import { InvalidArgumentError } from '../store/errors.js';
import { connectionOf } from './connection.property.js';
import { defaultSettings, type ConnectionSettings } from './connection.settings.js';
import { LAZY_RESULT, LOSS_IGNORED, NO_CONNECTION, SKIPPED } from './hmetcd.messages.js';
import { SETTINGS, type KviService } from './kvi.service.js';
import { lazyKindOf } from './lazy-result.js';

/** The options of `@DistLocked` in their one form, checked. */
export interface LockedMethodOptions {
  readonly timeoutSec?: number;
  readonly minHoldSec?: number;
  readonly maxHoldSec?: number;
  readonly name?: string | ((...args: never[]) => string);
  readonly onTimeout?: 'throw' | 'skip';
  readonly onLost?: 'throw' | 'ignore';
  readonly connection?: string;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** A method under `@DistLocked`. One for all objects of its class: what belongs to a call is in {@link LockedCall}. */
export class LockedMethod {
  constructor(
    private readonly method: Method,
    /** `Class.method`, where it was declared. */
    private readonly name: string,
    private readonly options: LockedMethodOptions,
  ) {}

  async call(instance: unknown, args: unknown[]): Promise<unknown> {
    const { connection } = this.options;
    const kvi = connectionOf(instance, connection);
    if (kvi === undefined) throw new InvalidArgumentError(NO_CONNECTION(this.name, connection));
    const settings = kvi[SETTINGS] ?? defaultSettings(connection);
    const lockName = this.lockNameFor(instance, args) ?? settings.lockName;
    const run = async (): Promise<unknown> => Reflect.apply(this.method, instance, args);
    return new LockedCall(this.nameOn(instance), run, this.options).under(lockName, kvi, settings);
  }

  private lockNameFor(instance: unknown, args: unknown[]): string | undefined {
    const { name } = this.options;
    if (typeof name !== 'function') return name;
    const made: unknown = Reflect.apply(name, instance, args);
    checkLockName('the result of options.name', made);
    return made;
  }

  /** By the object's own class, which may have inherited the method. */
  private nameOn(instance: unknown): string {
    const method = this.name.slice(this.name.indexOf('.') + 1);
    return `${(instance as object).constructor.name}.${method}`;
  }
}

/** One call: what became of it decides what the options have to say. */
class LockedCall {
  private hasStarted = false;
  private finished: { readonly result: unknown } | undefined;

  constructor(
    private readonly name: string,
    private readonly run: () => Promise<unknown>,
    private readonly options: LockedMethodOptions,
  ) {}

  async under(lockName: string, kvi: KviService, { logger }: ConnectionSettings): Promise<unknown> {
    const { timeoutSec, minHoldSec, maxHoldSec } = this.options;
    try {
      return await kvi.withLock(lockName, { timeoutSec, minHoldSec, maxHoldSec }, this.task());
    } catch (error) {
      if (this.isSkipped(error)) return logger.debug(SKIPPED(this.name, lockName));
      if (!this.isIgnoredLoss(error)) throw error;
      logger.debug(LOSS_IGNORED(this.name, lockName));
      return this.finished!.result;
    }
  }

  /** Named like the method: a slow shutdown names what it waits for by the function's name. */
  private task(): () => Promise<unknown> {
    const task = async (): Promise<unknown> => {
      this.hasStarted = true;
      const result = await this.run();
      this.refuseLazyResult(result);
      this.finished = { result };
      return result;
    };
    return Object.defineProperty(task, 'name', { value: this.name });
  }

  private refuseLazyResult(result: unknown): void {
    const kind = lazyKindOf(result);
    if (kind !== undefined) throw new InvalidArgumentError(LAZY_RESULT(this.name, kind));
  }

  /** A timeout that the method itself ran into, on a lock of its own, is the caller's to know. */
  private isSkipped(error: unknown): boolean {
    return this.options.onTimeout === 'skip' && error instanceof LockTimeoutError && !this.hasStarted;
  }

  private isIgnoredLoss(error: unknown): boolean {
    return this.options.onLost === 'ignore' && error instanceof LockLostError && this.finished !== undefined;
  }
}
