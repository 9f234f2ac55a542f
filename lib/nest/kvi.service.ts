import type { DELETE, KeyChange, PUT } from '../kvi/key-change.js';
import type {
  ChangesOptions,
  HealthOptions,
  HeldLock,
  KeyRange,
  KeyValue,
  Kvi,
  KviHealth,
  LiveView,
  LockInfo,
  LockOptions,
  Snapshot,
  TransactionOperator,
  WatchCallback,
  WatchHandle,
  WatchOptions,
  WithLockOptions,
} from '../kvi/kvi.js';
import { InvalidArgumentError } from '../store/errors.js';
import type { ConnectionSettings } from './connection.settings.js';
import { NO_INSTANCE_OPTION, SERVICE_NOT_PROVIDED } from './hmetcd.messages.js';
import { readInstance, type Instance } from './instance.js';
import { MarkerMembership, type Membership } from './membership.js';

/** @internal Where a service keeps what the decorators must know: under a symbol, out of sight of users and mocks. */
export const SETTINGS = Symbol('HmEtcd settings');

/** @internal Where a service keeps the handle that it stands for. */
export const HANDLE = Symbol('HmEtcd handle');

/**
 * A connection to a store, injectable: everything of {@link Kvi}, {@link instances} and {@link membership}. `HmEtcdModule` opens it
 * before the application starts and closes it in `onApplicationShutdown`.
 *
 * @publicApi
 */
export class KviService implements Kvi {
  /** @internal */
  readonly [SETTINGS]: ConnectionSettings;
  // Not a #field: Nest's `instanceDecorator` may put a Proxy before this object, which could not reach one.
  private readonly kvi: Kvi;

  /** @internal */
  constructor(kvi: Kvi, settings: ConnectionSettings) {
    if (kvi === undefined) throw new InvalidArgumentError(SERVICE_NOT_PROVIDED);
    this.kvi = kvi;
    this[SETTINGS] = settings;
  }

  /** @internal */
  get [HANDLE](): Kvi {
    return this.kvi;
  }

  /**
   * Who is running: the instances that announced themselves with the `instance.prefix` of this connection, in
   * order of their ids. Keys under the prefix that are no announcement are left out.
   *
   * @throws InvalidArgumentError when the module was not given `instance`
   */
  async instances(): Promise<Instance[]> {
    const prefix = this.instancePrefix();
    const pairs = await this.kvi.getPrefix(prefix);
    return pairs.flatMap((pair) => readInstance(prefix, pair) ?? []);
  }

  /**
   * Who is running, from now on: {@link instances} kept up to date, with a word for each that comes or goes. Close it when
   * it is not needed any more; the connection's end closes it too.
   *
   * @throws InvalidArgumentError when the module was not given `instance`
   */
  async membership(): Promise<Membership> {
    const prefix = this.instancePrefix();
    const view = await this.kvi.observe({ prefix });
    return new MarkerMembership(prefix, view, this[SETTINGS].logger);
  }

  /** See {@link Kvi.get}. */
  get(key: string): Promise<string | undefined> {
    return this.kvi.get(key);
  }

  /** See {@link Kvi.getRange}. */
  getRange(keyStart: string, keyEnd: string): Promise<KeyValue[]> {
    return this.kvi.getRange(keyStart, keyEnd);
  }

  /** See {@link Kvi.store}. */
  store(key: string, value: string): Promise<void> {
    return this.kvi.store(key, value);
  }

  /** See {@link Kvi.delete}. */
  delete(key: string): Promise<void> {
    return this.kvi.delete(key);
  }

  /** See {@link Kvi.transaction}. */
  transaction(
    key: string,
    op: TransactionOperator,
    value: string,
    thenKey: string,
    thenValue: string,
    elseKey?: string,
    elseValue?: string,
  ): Promise<boolean> {
    return this.kvi.transaction(key, op, value, thenKey, thenValue, elseKey, elseValue);
  }

  /** See {@link Kvi.tas}. */
  tas(key: string, testValue: string, setValue: string): Promise<boolean> {
    return this.kvi.tas(key, testValue, setValue);
  }

  /** See {@link Kvi.watch}. */
  watch(key: string, options?: WatchOptions): Promise<KeyChange> {
    return this.kvi.watch(key, options);
  }

  /** See {@link Kvi.watchWithCB}. */
  watchWithCB<T = undefined>(
    key: string,
    op: PUT | DELETE,
    callback: WatchCallback<T>,
    userdata?: T,
  ): Promise<WatchHandle> {
    return this.kvi.watchWithCB(key, op, callback, userdata);
  }

  /** See {@link Kvi.watchCBCancel}. */
  watchCBCancel(handle: WatchHandle): Promise<void> {
    return this.kvi.watchCBCancel(handle);
  }

  /** See {@link Kvi.distLock}. */
  distLock(options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.kvi.distLock(options);
  }

  /** See {@link Kvi.distTimedLock}. */
  distTimedLock(
    timeoutSec: number,
    options?: { readonly maxHoldSec?: number; readonly signal?: AbortSignal },
  ): Promise<void> {
    return this.kvi.distTimedLock(timeoutSec, options);
  }

  /** See {@link Kvi.distUnlock}. */
  distUnlock(): Promise<void> {
    return this.kvi.distUnlock();
  }

  /** See {@link Kvi.tempKey}. */
  tempKey(key: string): Promise<void> {
    return this.kvi.tempKey(key);
  }

  /** See {@link Kvi.close}. The module calls it in `onApplicationShutdown`. */
  close(): Promise<void> {
    return this.kvi.close();
  }

  /** See {@link Kvi.createIfAbsent}. */
  createIfAbsent(key: string, value: string): Promise<boolean> {
    return this.kvi.createIfAbsent(key, value);
  }

  /** See {@link Kvi.getPrefix}. */
  getPrefix(prefix: string): Promise<KeyValue[]> {
    return this.kvi.getPrefix(prefix);
  }

  /** See {@link Kvi.scan}. */
  scan(range: KeyRange): AsyncIterable<KeyValue> {
    return this.kvi.scan(range);
  }

  /** See {@link Kvi.snapshot}. */
  snapshot(range: KeyRange): Promise<Snapshot> {
    return this.kvi.snapshot(range);
  }

  /** See {@link Kvi.lock}. */
  lock(name?: string, options?: LockOptions): Promise<HeldLock> {
    return this.kvi.lock(name, options);
  }

  /** See {@link Kvi.withLock}. */
  withLock<T>(name: string, options: WithLockOptions, fn: (lock: HeldLock) => Promise<T>): Promise<T> {
    return this.kvi.withLock(name, options, fn);
  }

  /** See {@link Kvi.lockInfo}. */
  lockInfo(name?: string): Promise<LockInfo> {
    return this.kvi.lockInfo(name);
  }

  /** See {@link Kvi.changes}. */
  changes(range: KeyRange, options?: ChangesOptions): AsyncIterableIterator<KeyChange> {
    return this.kvi.changes(range, options);
  }

  /** See {@link Kvi.observe}. */
  observe(range: KeyRange): Promise<LiveView> {
    return this.kvi.observe(range);
  }

  /** See {@link Kvi.health}. */
  health(options?: HealthOptions): Promise<KviHealth> {
    return this.kvi.health(options);
  }

  private instancePrefix(): string {
    const { name, instance } = this[SETTINGS];
    if (instance === undefined) throw new InvalidArgumentError(NO_INSTANCE_OPTION(name));
    return instance.prefix;
  }
}
