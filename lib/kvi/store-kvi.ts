import { setMaxListeners } from 'node:events';
import { type Clock, systemClock } from '../store/clock.js';
import { withoutHelp } from '../store/error-help.js';
import { ClosedError, RequestTimeoutError } from '../store/errors.js';
import { compareBytes } from '../store/byte-order.js';
import { traced } from '../store/channels.js';
import { prefixSpan } from '../store/key-span.js';
import { pagesOf } from '../store/pages.js';
import type {
  KeyRecord,
  KeySpan,
  RangeRequest,
  RangeResponse,
  Store,
  TxnRequest,
  Writer,
} from '../store/store.js';
import { ChangeStream } from './changes.js';
import type { CallOperation } from './channel-messages.js';
import { callChannel } from './channels.js';
import { DistLock } from './dist-lock.js';
import { ForgottenLocks } from './forgotten-locks.js';
import { CLOSED_HEALTH, judgeHealth } from './health.js';
import type { Hold } from './held-lock.js';
import { KeyRemoval } from './key-removal.js';
import type { DELETE, KeyChange, PUT } from './key-change.js';
import { describeRange, isReserved, lockPrefix, spanOf } from './keys.js';
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
  WatchCallback,
  WatchHandle,
  WatchOptions,
  WithLockOptions,
} from './kvi.js';
import { RangeView } from './live-view.js';
import { LateCopies } from './late-copies.js';
import { readLockInfo } from './lock-info.js';
import { LockQueue } from './lock-queue.js';
import { tracedWait } from './lock-telemetry.js';
import { LockedSections } from './locked-sections.js';
import { checkMilliseconds, checkPatience, type HmEtcdLogger, type ResolvedKviOptions } from './options.js';
import { Patience } from './patience.js';
import { rejecting } from './rejecting.js';
import { RunningTasks } from './running-tasks.js';
import { Session } from './session.js';
import { readSnapshot } from './snapshot.js';
import { TempKeys } from './temp-keys.js';
import { TimeLimit } from './time-limit.js';
import {
  checkChangeOp,
  checkFunction,
  checkBoolean,
  checkHoldTimes,
  checkKey,
  checkLockName,
  checkPositiveSeconds,
  checkRevision,
  checkSeconds,
  checkSignal,
  readFields,
  readRange,
  refuse,
  refuseInverted,
} from './validate.js';
import { CallbackWatch } from './watch-callbacks.js';
import {
  createIfAbsentRequest,
  deleteRequest,
  storeRequest,
  tasRequest,
  transactionRequest,
} from './write-requests.js';

/** How many keys `scan` reads first: each may be as large as the store allows. */
const FIRST_SCAN_PAGE = 16;

/** The store counts the time of its part itself, and knows better what went wrong: it has this much longer to tell. */
const TELLING_MS = 250;

/** `close` has this much more than its last write, which may have all the time of a call. */
const END_SESSION_MS = 1000;

/** A check of health is answered in time: this much of it is the store's. */
const STORE_SHARE = 0.9;

const LOCK_CHECKS = { timeoutSec: checkSeconds, maxHoldSec: checkPositiveSeconds, signal: checkSignal };
const WITH_LOCK_CHECKS = { ...LOCK_CHECKS, minHoldSec: checkPositiveSeconds };

/** The Kvi over a store: checks what comes in, asks the store, and keeps what lives with the handle. */
export class StoreKvi implements Kvi {
  readonly #store: Store;
  readonly #options: ResolvedKviOptions;
  readonly #clock: Clock;
  readonly #logger: HmEtcdLogger;
  readonly #session: Session;
  readonly #writer: Writer;
  readonly #removal: KeyRemoval;
  readonly #lateCopies: LateCopies;
  readonly #locks: LockQueue;
  readonly #forgottenLocks: ForgottenLocks;
  readonly #sections: LockedSections;
  readonly #distLock: DistLock;
  readonly #tempKeys: TempKeys;
  readonly #tasks = new RunningTasks();
  /** Aborts when `close` is called: from then on nothing new may wait or watch. */
  readonly #closing = new AbortController();
  readonly #views = new Set<RangeView>();
  /** What ends the streams that are open. */
  readonly #atClose = new Set<() => void>();
  /** While there are streams that do not know yet which change will be their first: settles when all do. */
  #streamsStarted: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #isClosed = false;

  /** @param clock time for sessions and deadlines; tests hand in their own */
  constructor(store: Store, options: ResolvedKviOptions, clock: Clock = systemClock) {
    const { logger } = options;
    expectManyListeners(this.#closing.signal);
    this.#store = store;
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#session = new Session(store, clock, options.sessionTtlSec, logger, this.#closing.signal);
    this.#writer = store.writer(options.retryableWrites ? this.#session : undefined);
    this.#removal = new KeyRemoval(store, clock, (key) => this.#lateCopies.end(key));
    this.#lateCopies = new LateCopies(store, clock, logger, this.#removal);
    const holdContext = {
      clock,
      logger,
      removal: this.#removal,
      place: store.place,
      send: (operation: CallOperation, key: string, request: TxnRequest) =>
        this.#send(operation, key, request),
    };
    this.#locks = new LockQueue(store, this.#session, holdContext, this.#lateCopies);
    this.#forgottenLocks = new ForgottenLocks(logger);
    this.#sections = new LockedSections(this.#locks, this.#tasks, clock, logger);
    this.#distLock = new DistLock(this.#locks, options.lockName);
    this.#tempKeys = new TempKeys(store, this.#session, clock, logger);
  }

  get(key: string): Promise<string | undefined> {
    return rejecting(() => {
      checkKey('key', key);
      this.#checkOpen();
      return callChannel.hasSubscribers ? this.#tracedGet(key) : this.#get(key);
    });
  }

  async getRange(keyStart: string, keyEnd: string): Promise<KeyValue[]> {
    checkKey('keyStart', keyStart);
    checkKey('keyEnd', keyEnd);
    this.#checkOpen();
    if (compareBytes(keyStart, keyEnd) > 0) return [];
    return this.#read('getRange', spanOf({ start: keyStart, end: keyEnd }));
  }

  async getPrefix(prefix: string): Promise<KeyValue[]> {
    return this.#read('getPrefix', spanOf(readRange('range', { prefix })));
  }

  scan(range: KeyRange): AsyncIterable<KeyValue> {
    const span = spanOf(readRange('range', range));
    this.#checkOpen();
    return this.#scan(span);
  }

  async snapshot(range: KeyRange): Promise<Snapshot> {
    const span = spanOf(readRange('range', range));
    this.#checkOpen();
    return this.#ask('snapshot', span, () => readSnapshot(this.#store, span));
  }

  store(key: string, value: string): Promise<void> {
    return rejecting(() => this.#send('store', key, storeRequest(key, value)).then(nothing));
  }

  delete(key: string): Promise<void> {
    return rejecting(() => this.#send('delete', key, deleteRequest(key)).then(nothing));
  }

  transaction(...args: Parameters<Kvi['transaction']>): Promise<boolean> {
    return rejecting(() =>
      this.#send('transaction', args[0], transactionRequest(...args)).then(hasSucceeded),
    );
  }

  tas(key: string, testValue: string, setValue: string): Promise<boolean> {
    return rejecting(() => this.#send('tas', key, tasRequest(key, testValue, setValue)).then(hasSucceeded));
  }

  createIfAbsent(key: string, value: string): Promise<boolean> {
    return rejecting(() =>
      this.#send('createIfAbsent', key, createIfAbsentRequest(key, value)).then(hasSucceeded),
    );
  }

  async tempKey(key: string): Promise<void> {
    checkKey('key', key);
    this.#closing.signal.throwIfAborted();
    const limit = this.#limit('The temporary key was not created', TELLING_MS);
    try {
      await limit.wait(Promise.resolve(this.#streamsStarted));
      await this.#ask('tempKey', { key }, () => this.#tempKeys.own(key, limit));
    } finally {
      limit.end();
    }
  }

  async watch(key: string, options: WatchOptions = {}): Promise<KeyChange> {
    checkKey('key', key);
    const { signal } = readFields<WatchOptions>('options', options, { signal: checkSignal });
    signal?.throwIfAborted();
    const stream = this.#startStream(key, { signal });
    const { value } = await stream.next();
    await stream.return();
    if (value === undefined) throw this.#closing.signal.reason;
    return value;
  }

  async watchWithCB<T = undefined>(
    key: string,
    op: PUT | DELETE,
    callback: WatchCallback<T>,
    userdata?: T,
  ): Promise<WatchHandle> {
    checkKey('key', key);
    checkChangeOp('op', op);
    checkFunction('callback', callback);
    const stream = this.#startStream(key, {});
    await this.#ask('watchWithCB', { key }, () => stream.open());
    const watch = new CallbackWatch(stream, key, op, callback, userdata as T, this.#logger);
    this.#tasks.track(watch.name, watch.closed).catch(() => {});
    return watch;
  }

  async watchCBCancel(handle: WatchHandle): Promise<void> {
    if (!CallbackWatch.isOne(handle)) throw refuse('handle', 'a handle from watchWithCB', handle);
    await handle.cancel();
  }

  changes(range: KeyRange, options: ChangesOptions = {}): AsyncIterableIterator<KeyChange> {
    const readable = readRange('range', range);
    const given = readFields<ChangesOptions>('options', options, {
      op: checkChangeOp,
      prevValue: checkBoolean,
      fromRevision: checkRevision,
      signal: checkSignal,
    });
    refuseInverted('range', readable);
    return this.#startStream(readable, given);
  }

  async observe(range: KeyRange): Promise<LiveView> {
    const readable = readRange('range', range);
    refuseInverted('range', readable);
    this.#closing.signal.throwIfAborted();
    const label = `The view of ${describeRange(readable)}`;
    const context = {
      store: this.#store,
      clock: this.#clock,
      logger: this.#logger,
      requestTimeoutMs: this.#options.requestTimeoutMs,
    };
    const span = spanOf(readable);
    const view = new RangeView(label, span, context, this.#closing.signal, this.#views);
    return this.#ask('observe', span, () => view.open());
  }

  async distLock(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.#takeDistLock(readFields<typeof options>('options', options, { signal: checkSignal }));
  }

  async distTimedLock(
    timeoutSec: number,
    options: { readonly maxHoldSec?: number; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    checkSeconds('timeoutSec', timeoutSec);
    const given = readFields<typeof options>('options', options, {
      maxHoldSec: checkPositiveSeconds,
      signal: checkSignal,
    });
    await this.#takeDistLock({ ...given, timeoutSec });
  }

  async distUnlock(): Promise<void> {
    this.#checkOpen();
    await this.#distLock.release();
  }

  async lock(name: string = this.#options.lockName, options: LockOptions = {}): Promise<HeldLock> {
    checkLockName('name', name);
    const given = readFields<LockOptions>('options', options, LOCK_CHECKS);
    const takenAt = new Error('taken');
    const hold = await this.#patiently(name, given, (patience) =>
      tracedWait(this.#store.place, name, () => this.#locks.acquire(name, patience, given.maxHoldSec)),
    );
    return this.#forgottenLocks.handOut(hold, takenAt);
  }

  async withLock<T>(name: string, options: WithLockOptions, fn: (lock: HeldLock) => Promise<T>): Promise<T> {
    checkLockName('name', name);
    const given = readFields<WithLockOptions>('options', options, WITH_LOCK_CHECKS);
    checkHoldTimes('options', given);
    checkFunction('fn', fn);
    const passing = this.#sections.passThrough(name, fn);
    if (passing !== undefined) return passing;
    return this.#patiently(name, given, (patience) => this.#sections.run(name, patience, given, fn));
  }

  async lockInfo(name: string = this.#options.lockName): Promise<LockInfo> {
    checkLockName('name', name);
    this.#checkOpen();
    const span = prefixSpan(lockPrefix(name));
    return this.#ask('lockInfo', span, () => readLockInfo(this.#store, name));
  }

  async health(options: HealthOptions = {}): Promise<KviHealth> {
    const given = readFields<HealthOptions>('options', options, {
      timeoutMs: checkMilliseconds,
      watchesBehindMs: checkPatience,
      signal: checkSignal,
    });
    const { timeoutMs = 1000, watchesBehindMs = 5000, signal } = given;
    if (this.#isClosed) return CLOSED_HEALTH;
    const limit = new TimeLimit(this.#clock, undefined, closedError, signal === undefined ? [] : [signal]);
    try {
      const store = await limit.wait(this.#store.health(timeoutMs * STORE_SHARE));
      if (this.#isClosed) return CLOSED_HEALTH;
      const brokenMs = [...this.#views].flatMap((view) => view.brokenMs ?? []);
      const session = this.#session.health;
      return judgeHealth({ store, session, brokenMs, timeoutMs, tolerableMs: watchesBehindMs });
    } finally {
      limit.end();
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort(closedError());
    for (const end of this.#atClose) end();
    const slow = await this.#tasks.drain(this.#clock, this.#options.shutdownTimeoutMs);
    if (slow.length > 0) {
      this.#logger.warn(
        `Closing after ${this.#options.shutdownTimeoutMs} ms although these still run: ${slow.join(', ')}. ` +
          `Their locks are not released under them but expire with the session. Raise shutdownTimeoutMs, or end on the lock's signal.`,
      );
    }
    this.#isClosed = true;
    this.#lateCopies.close();
    const limit = this.#limit('The store was not told', END_SESSION_MS);
    // Without the session nobody could tell what became of them.
    await limit.wait(this.#writer.idle()).catch(() => {});
    await limit.wait(this.#endSession()).catch((error: Error) => {
      this.#logger.warn(
        `The session was not ended in the store: ${withoutHelp(error.message)} Its lease ends it.`,
      );
    });
    limit.end();
    this.#removal.close();
    await this.#store.close();
    this.#logger.log('Closed.');
  }

  /**
   * Signals abort before anything is freed. A function that still runs keeps its lock until the lease expires, and
   * so does a lock whose minHoldSec is not over.
   */
  async #endSession(): Promise<void> {
    const kept = new Set(this.#sections.kept);
    const holds = this.#locks.loseAll('the handle was closed');
    if (kept.size > 0) return this.#leaveToLease(holds.filter((hold) => !kept.has(hold)));
    this.#tempKeys.stop();
    return this.#session.revoke();
  }

  /** Frees everything else key by key, because the lease must live on. */
  async #leaveToLease(others: readonly Hold[]): Promise<void> {
    // What a call is just putting can be deleted only afterwards; what is just being deleted must not be cut off.
    await Promise.all([this.#session.idle(), this.#removal.idle()]);
    this.#tempKeys.stop();
    const freed = await Promise.allSettled([
      ...this.#tempKeys.deleteAll(),
      ...others.map((hold) => hold.free()),
    ]);
    await this.#session.abandon();
    const failed = freed.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /**
   * The time of one call, over all its steps.
   *
   * @param what did not come about when it is over
   * @param moreMs what is given in addition
   */
  #limit(what: string, moreMs: number): TimeLimit {
    const ms = this.#options.requestTimeoutMs;
    const timeoutError = (): Error =>
      new RequestTimeoutError(
        `${what}: the store did not answer within ${ms} ms. Try again, or raise requestTimeoutMs.`,
      );
    return new TimeLimit(this.#clock, ms + moreMs, timeoutError, []);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closedError();
  }

  /** Asks the store for something, and tells of it. */
  #ask<T>(operation: CallOperation, span: KeySpan, ask: () => Promise<T>): Promise<T> {
    if (!callChannel.hasSubscribers) return ask();
    return traced(callChannel, { ...this.#store.place, operation, ...span }, ask);
  }

  /** A function of its own, as that of writes: a call that makes a function pays for it also where it is not used. */
  #tracedGet(key: string): Promise<string | undefined> {
    return this.#ask('get', { key }, () => this.#get(key));
  }

  #get(key: string): Promise<string | undefined> {
    return this.#store.range({ key }).then(valueOf);
  }

  async #read(operation: CallOperation, span: KeySpan): Promise<KeyValue[]> {
    this.#checkOpen();
    const { kvs } = await this.#ask(operation, span, () => this.#store.range(span));
    return visible(kvs).map(({ key, value }) => ({ key, value }));
  }

  async *#scan(span: KeySpan): AsyncGenerator<KeyValue, void> {
    const readPage = (page: RangeRequest): Promise<RangeResponse> =>
      this.#ask('scan', span, () => this.#store.range(page));
    for await (const { kvs } of pagesOf(readPage, span, FIRST_SCAN_PAGE)) {
      this.#checkOpen();
      for (const { key, value } of kvs) if (!isReserved(key)) yield { key, value };
    }
  }

  #send(operation: CallOperation, key: string, request: TxnRequest): ReturnType<Writer['write']> {
    this.#checkOpen();
    return callChannel.hasSubscribers ? this.#tracedWrite(operation, key, request) : this.#write(request);
  }

  #tracedWrite(operation: CallOperation, key: string, request: TxnRequest): ReturnType<Writer['write']> {
    return this.#ask(operation, { key }, () => this.#write(request));
  }

  #write(request: TxnRequest): ReturnType<Writer['write']> {
    return this.#writer.write(request, this.#streamsStarted);
  }

  #startStream(range: KeyRange, options: ChangesOptions): ChangeStream {
    this.#closing.signal.throwIfAborted();
    expectManyListeners(options.signal);
    const newLimit = (): TimeLimit => this.#limit('The watch was not begun', TELLING_MS);
    const stream = new ChangeStream(
      this.#store,
      range,
      options,
      this.#closing.signal,
      this.#atClose,
      newLimit,
    );
    this.#letWritesWait(stream.ready);
    return stream;
  }

  /** A stream sees every write that is issued on this handle after it: such a write waits until the stream has begun. */
  #letWritesWait(ready: Promise<unknown>): void {
    // One promise after the other, so that a thousand writes after a thousand streams wait for one each.
    const started = Promise.allSettled([this.#streamsStarted, ready]).then(() => {
      if (this.#streamsStarted === started) this.#streamsStarted = undefined;
    });
    this.#streamsStarted = started;
  }

  async #takeDistLock(options: LockOptions): Promise<void> {
    await this.#patiently(this.#options.lockName, options, (patience) =>
      this.#distLock.acquire(patience, options.maxHoldSec),
    );
  }

  /** Runs a lock call with one deadline over all its waits. */
  async #patiently<T>(
    name: string,
    { timeoutSec, signal }: LockOptions,
    call: (patience: Patience) => Promise<T>,
  ): Promise<T> {
    const sources = signal === undefined ? [this.#closing.signal] : [this.#closing.signal, signal];
    const patience = new Patience(
      this.#clock,
      name,
      timeoutSec,
      this.#options.requestTimeoutMs + TELLING_MS,
      sources,
    );
    try {
      return await call(patience);
    } catch (error) {
      // A store that is being closed fails what it was asked; why the wait ended was said before.
      patience.signal.throwIfAborted();
      throw error;
    } finally {
      patience.end();
    }
  }
}

function closedError(): ClosedError {
  return new ClosedError('The handle is closed: close() was called on it, or its application shut down.');
}

/** Every waiter and stream listens, and one signal may end them all: their number is no leak, as Node would warn. */
function expectManyListeners(signal: AbortSignal | undefined): void {
  if (signal !== undefined) setMaxListeners(Infinity, signal);
}

function valueOf({ kvs }: RangeResponse): string | undefined {
  return kvs[0]?.value;
}

function hasSucceeded({ succeeded }: { readonly succeeded: boolean }): boolean {
  return succeeded;
}

function nothing(): void {}

function visible(kvs: readonly KeyRecord[]): readonly KeyRecord[] {
  return kvs.filter(({ key }) => !isReserved(key));
}
