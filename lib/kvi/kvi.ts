import type { DELETE, KeyChange, PUT } from './key-change.js';
import type { MemberHealth } from '../store/store.js';
import type { Owner } from './owner.js';

/**
 * The key-value interface of HPE's Go package hms-hmetcd, in TypeScript names, and what was added to it.
 * Obtained from `open()` or injected as `KviService`; the same on `mem:` and on etcd.
 *
 * Keys are non-empty strings, values strings; both must be well-formed Unicode (no lone surrogates). Order,
 * `<` and `>` are by UTF-8 bytes. Keys under `\0hmetcd/` belong to the library: they cannot be named and no
 * range shows them.
 *
 * Every call may throw `InvalidArgumentError` (before anything is sent), `ClosedError` (the handle is closed),
 * and on etcd `UnavailableError`, `RequestTimeoutError` (after `requestTimeoutMs`), `PermissionDeniedError` and
 * `AuthenticationError`.
 *
 * A write is applied exactly once, whatever becomes of its answers on the way, and writes of one handle that touch the
 * same key in the order of their calls. One that throws was not applied and will not be, unless the error is
 * `OutcomeUnknownError`.
 *
 * @publicApi
 */
export interface Kvi {
  /**
   * Reads one key. Go: `Get`.
   *
   * @returns its value, `undefined` when there is no such key; `''` is a value
   */
  get(key: string): Promise<string | undefined>;

  /**
   * Reads all keys from `keyStart` to `keyEnd`, both included, at one revision. Go: `GetRange`. A large range comes in pages,
   * each of which has `requestTimeoutMs`; it is begun anew, a few times, when its revision is compacted meanwhile.
   *
   * @returns the pairs in byte order; none when `keyStart` comes after `keyEnd`
   */
  getRange(keyStart: string, keyEnd: string): Promise<KeyValue[]>;

  /** Writes one key, whether it exists or not. Go: `Store`. */
  store(key: string, value: string): Promise<void>;

  /** Deletes one key; a missing one is no error. Go: `Delete`. */
  delete(key: string): Promise<void>;

  /**
   * Atomically: if the value of `key` compares to `value`, writes `thenKey`, else `elseKey`. Go: `Transaction`.
   * A missing `key` makes the condition false for every operator, `!=` included (etcd's rule).
   *
   * @param elseKey left out: the else branch writes nothing. Given: `elseValue` must be given too.
   * @returns whether the condition held
   */
  transaction(
    key: string,
    op: TransactionOperator,
    value: string,
    thenKey: string,
    thenValue: string,
    elseKey?: string,
    elseValue?: string,
  ): Promise<boolean>;

  /**
   * Test-and-set: writes `setValue` if the key's value is `testValue`. Go: `TAS`.
   *
   * @returns whether it was set; `false` for a missing key (see {@link createIfAbsent})
   */
  tas(key: string, testValue: string, setValue: string): Promise<boolean>;

  /**
   * Waits for the next change of one key: the first after this call, a write issued later on this handle
   * included. Go: `Watch`. Between two calls changes pass unseen; {@link changes} misses none.
   *
   * @throws the signal's reason when `signal` aborts; ClosedError when the handle closes while it waits;
   * CompactedError when the change was compacted away before it could be read
   */
  watch(key: string, options?: WatchOptions): Promise<KeyChange>;

  /**
   * Calls `callback` for each change of one key of the kind `op`. Go: `WatchWithCB`. No change after the
   * promise resolves is missed. Calls come one at a time, in order of revision; a callback that returns a
   * promise is awaited; one that throws is logged and the watch goes on.
   *
   * The watch ends when the key is deleted (a DELETE watch is called for it first), when the callback answers
   * `false`, or by {@link watchCBCancel}; `handle.closed` tells which.
   *
   * @param userdata handed to each call as it is
   */
  watchWithCB<T = undefined>(
    key: string,
    op: PUT | DELETE,
    callback: WatchCallback<T>,
    userdata?: T,
  ): Promise<WatchHandle>;

  /**
   * Ends a watch of {@link watchWithCB}. Go: `WatchCBCancel`. Idempotent. Once it resolves no callback runs or
   * starts; only a callback that cancels its own watch does not wait for itself.
   */
  watchCBCancel(handle: WatchHandle): Promise<void>;

  /**
   * Takes the lock `lockName` of the options for this handle, waiting for as long as it takes. Go: `DistLock`.
   * A handle holds it once: taking it again appears to succeed. Other handles are kept out, in this process or
   * another, Go programs included. After a loss the next call acquires anew.
   *
   * @throws the signal's reason when `signal` aborts while it waits
   */
  distLock(options?: { readonly signal?: AbortSignal }): Promise<void>;

  /**
   * As {@link distLock}, but waits at most `timeoutSec` seconds; 0 is one try. Go: `DistTimedLock`.
   *
   * @throws LockTimeoutError
   */
  distTimedLock(
    timeoutSec: number,
    options?: { readonly maxHoldSec?: number; readonly signal?: AbortSignal },
  ): Promise<void>;

  /**
   * Gives the lock of {@link distLock} back; without one it appears to work. Go: `DistUnlock`. It ends within
   * `requestTimeoutMs`; what could not be deleted by then is tried again in the background, until the lease ends it.
   *
   * @throws LockLostError when the lock had been lost before; it is not held after that either
   */
  distUnlock(): Promise<void>;

  /**
   * Creates a key that lives as long as this handle: gone at `close`, or when the process dies, within
   * `sessionTtlSec`. Go: `TempKey`. Its value tells who owns it: host, process id, start time and application, as JSON.
   *
   * It comes back by itself after a lost lease, and does not after a delete by anyone. Whoever calls last owns
   * the key; a former owner leaves it alone. An existing key is overwritten.
   *
   * @throws RequestTimeoutError after `requestTimeoutMs` when the key was not asked for by then: it will not be;
   * OutcomeUnknownError when the answer was lost, or did not come by then
   */
  tempKey(key: string): Promise<void>;

  /**
   * Ends the handle. Watches end; new lock calls and waiters get ClosedError; running `withLock` functions and
   * watch callbacks are awaited for up to `shutdownTimeoutMs`, and may use the handle until then. Those that
   * take longer get their signal aborted and are named in a warning; their locks are left to the lease,
   * and so are those whose `minHoldSec` is not over. Other locks and all temporary keys are freed. Idempotent. Go: `Close`.
   *
   * A store that does not answer holds it up for `requestTimeoutMs` and a second at the most, after those that are
   * awaited; what could not be freed by then is left to the lease.
   */
  close(): Promise<void>;

  /**
   * Writes a key only if it does not exist.
   *
   * @returns whether it was created
   */
  createIfAbsent(key: string, value: string): Promise<boolean>;

  /** Reads all keys that begin with `prefix`, at one revision, in byte order; `''` means every key. */
  getPrefix(prefix: string): Promise<KeyValue[]>;

  /**
   * Reads a range in bounded memory, at one revision, in byte order.
   *
   * @throws CompactedError when the revision is compacted before the last page was read; start over
   */
  scan(range: KeyRange): AsyncIterable<KeyValue>;

  /**
   * Reads a range together with the revision it was read at, so that
   * `changes(range, { fromRevision: snapshot.revision + 1 })` goes on from there without a gap.
   */
  snapshot(range: KeyRange): Promise<Snapshot>;

  /**
   * Takes a lock. Every call is an acquisition of its own: two calls exclude each other, on one handle too.
   *
   * @param name left out: `lockName` of the options. Must not be a prefix of data keys, nor a path prefix
   * (`jobs` of `jobs/1`) of a lock that this handle uses (InvalidArgumentError)
   * @throws LockTimeoutError; the signal's reason when `signal` aborts while it waits
   */
  lock(name?: string, options?: LockOptions): Promise<HeldLock>;

  /**
   * Runs `fn` under a lock and gives it back. Calls of one handle queue in order, and only one at a time asks
   * the store; `timeoutSec` covers both waits. A nested call on the same lock, in the same async context and
   * while the hold lives, passes through.
   *
   * With `minHoldSec` the lock may stay taken after the answer, until that time is over.
   *
   * @returns what `fn` returned
   * @throws what `fn` threw, unchanged; LockTimeoutError when the lock was not had in time; LockLostError when
   * `fn` succeeded but the lock was lost under it. A release that fails is logged, not thrown.
   */
  withLock<T>(name: string, options: WithLockOptions, fn: (lock: HeldLock) => Promise<T>): Promise<T>;

  /**
   * Who holds a lock and who waits for it. Other programs' holders (Go's `concurrency.Mutex`, hms-hmetcd, `etcdctl lock`)
   * are shown by their key and lease.
   *
   * It tells what was, not what is: by the time the answer is here, the lock may have changed hands.
   *
   * @param name left out: `lockName` of the options
   */
  lockInfo(name?: string): Promise<LockInfo>;

  /**
   * The changes of a range from this call on (or from a revision): every one, once, in order of revision.
   * Ends when the handle closes or the loop is left.
   *
   * @throws CompactedError when the store no longer has the next change; StoreReplacedError when another history
   * stands behind the endpoints; the signal's reason on abort
   */
  changes(range: KeyRange, options?: ChangesOptions): AsyncIterableIterator<KeyChange>;

  /**
   * A range as a map that is kept in step with the store, until it or the handle is closed.
   *
   * @returns when the map shows the present state, and no change after it will be missed
   */
  observe(range: KeyRange): Promise<LiveView>;

  /**
   * Whether the store can be used, and if not, why: asks every server of it side by side, and looks at the handle's own
   * session and watches. What is wrong is a part of the answer, not an error; a closed handle answers too.
   *
   * It ends within `timeoutMs`. One linearizable read that is answered makes the store healthy, so that a cluster which has lost
   * a minority of its members is; it needs no rights in the store.
   *
   * @throws the signal's reason when `signal` aborts before the answer is there
   */
  health(options?: HealthOptions): Promise<KviHealth>;
}

/**
 * A range as it is in the store, now: a map in byte order, for reading. At every moment it is the range at one revision,
 * never half of a transaction.
 *
 * In an outage it stays as it was, says so by {@link staleSince}, and catches up by itself. Where the changes in between
 * cannot be had any more (compaction, a restored backup), it compares itself with the present state and reports the
 * differences: who only follows {@link onChange} ends with the right state all the same.
 *
 * @publicApi
 */
export interface LiveView extends ReadonlyMap<string, string>, AsyncDisposable {
  /** The revision whose state the map shows. It only grows, but for a restored backup. */
  readonly revision: number;
  /** Neither closed nor cut off from the store. */
  readonly isCurrent: boolean;
  /**
   * Since when changes may have been made that the map does not show; undefined while it is current. A link that is dead
   * without a word is noticed within 8 s. After an outage what was missed is on its way: {@link sync} waits for it.
   */
  readonly staleSince: Date | undefined;
  /**
   * Calls `listener` for each change from now on, in order of revision, when the map shows it already. `prevValue` is
   * the value before. Nothing is kept for a listener: it is called at once and not waited for, so that one that takes its
   * time may be called again meanwhile; see {@link Kvi.changes} for one after the other. What it throws, or rejects with,
   * is logged.
   *
   * A key that came and went between two states of which only the second was read (after a compaction, or for `sync`) is
   * not told of.
   *
   * @returns ends the calls
   */
  onChange(listener: ViewListener): () => void;
  /**
   * Waits until the map shows everything that was in the store when this was called: the caller's own writes, and those
   * of others that were answered before.
   *
   * @throws RequestTimeoutError after `requestTimeoutMs`; the signal's reason; ClosedError
   */
  sync(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Ends following; the map stays readable as it is. Idempotent. */
  close(): Promise<void>;
}

/**
 * Is called with a change that the view shows already; what it answers is not waited for.
 *
 * @publicApi
 */
export type ViewListener = (change: KeyChange) => unknown;

/**
 * A key and its value.
 *
 * @publicApi
 */
export interface KeyValue {
  /** Without the namespace. */
  readonly key: string;
  /** `''` is a value, too. */
  readonly value: string;
}

/**
 * A string is exactly that key; `start` and `end` are both included.
 *
 * @publicApi
 */
export type KeyRange =
  | string
  | {
      /** What the keys begin with; `''` is every key. */
      readonly prefix: string;
    }
  | {
      /** The first key, in byte order; it need not exist. */
      readonly start: string;
      /** The last key, in byte order; it need not exist. */
      readonly end: string;
    };

/**
 * A range as it was at one revision.
 *
 * @publicApi
 */
export interface Snapshot {
  /** The revision that `entries` shows. */
  readonly revision: number;
  /** In byte order. */
  readonly entries: readonly (KeyValue & {
    /** That of the key's last change. */
    readonly revision: number;
  })[];
}

/**
 * `=`, `!=`, `<`, `>`, by bytes.
 *
 * @publicApi
 */
export type TransactionOperator = '=' | '!=' | '<' | '>';

/**
 * How {@link Kvi.watch} waits.
 *
 * @publicApi
 */
export interface WatchOptions {
  /** Ends the wait; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Which changes {@link Kvi.changes} tells, and from when on.
 *
 * @publicApi
 */
export interface ChangesOptions {
  /** Only changes of this kind. */
  readonly op?: PUT | DELETE;
  /** Fill `prevValue`. */
  readonly prevValue?: boolean;
  /**
   * Begin with the changes of this revision instead of those after the call. One that the store has not come to yet is
   * waited for, also when an older backup was restored meanwhile: whoever keeps a revision over an outage compares it
   * with that of a {@link Snapshot} before going on from it.
   */
  readonly fromRevision?: number;
  /** Ends the iteration; a pending `next` rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * `value` is `''` on deletion. Answering `false`, or a promise of it, ends the watch.
 *
 * @publicApi
 */
export type WatchCallback<T = undefined> = (
  key: string,
  value: string,
  op: PUT | DELETE,
  userdata: T,
) => unknown;

/**
 * Why a watch ended: the key was deleted, the callback answered `false`, `watchCBCancel` was called, or the
 * handle was closed.
 *
 * @publicApi
 */
export type WatchEnd = 'deleted' | 'callback' | 'cancelled' | 'closed';

/**
 * A watch of {@link Kvi.watchWithCB}; {@link Kvi.watchCBCancel} ends it.
 *
 * @publicApi
 */
export interface WatchHandle {
  /** The key that is watched. */
  readonly key: string;
  /** The kind of change that the callback is called for. */
  readonly op: PUT | DELETE;
  /**
   * Resolves when the watch has ended and no callback runs any more; rejects when it failed (CompactedError: it
   * fell so far behind that changes are lost). The failure is logged too, so that nobody needs to wait here.
   */
  readonly closed: Promise<WatchEnd>;
}

/**
 * How long to wait for a lock, and how long to hold it at the most.
 *
 * @publicApi
 */
export interface LockOptions {
  /**
   * Seconds to wait for the lock; left out: for ever. A call that gives up ends 250 ms later at the most, whatever the
   * store is doing. 0 is one try, which ends with RequestTimeoutError when the store does not answer within
   * `requestTimeoutMs`.
   */
  readonly timeoutSec?: number;
  /** Seconds after which the hold ends by itself: the signal aborts, then the lock is freed. */
  readonly maxHoldSec?: number;
  /** Ends the wait; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * As {@link LockOptions}, and how long the lock stays taken at least.
 *
 * @publicApi
 */
export interface WithLockOptions extends LockOptions {
  /**
   * Seconds for which the lock stays taken at least, counted from its grant; not more than `maxHoldSec`. When the
   * function ends sooner, by an error too, its caller is answered at once, and the lock is kept in the background:
   * everybody else, on this handle as well, finds it held. Left out: it is given back when the function ends.
   *
   * `close` does not wait for that time. It leaves the lock to the lease, as the death of a process does: it is free
   * again within `sessionTtlSec`.
   */
  readonly minHoldSec?: number;
}

/**
 * Who holds a lock and who waits for it.
 *
 * @publicApi
 */
export interface LockInfo {
  /** Undefined when nobody holds the lock. */
  readonly holder?: LockPlace;
  /** Who waits, in the order in which the lock will be granted. */
  readonly queue: readonly LockPlace[];
}

/**
 * A holder of a lock, or a waiter. `host`, `pid`, `startedAt` (ISO 8601) and `application` are known of those who use
 * this library.
 *
 * @publicApi
 */
export interface LockPlace extends Partial<Owner> {
  /** The key that holds the lock, or waits for it: `NAME/<lease id in hex>`, and `-<n>` where it is this library's. */
  readonly key: string;
  /** The id of the lease that the key lives under, in hexadecimal, as `etcdctl lease list` prints it. */
  readonly lease: string;
  /** The key's create revision: what a holder's {@link HeldLock.fencingToken} is, or a waiter's will be. */
  readonly fencingToken: number;
}

/**
 * A lock that was acquired. It is lost when its lease expires, its `maxHoldSec` is over, or its key is removed.
 *
 * While the process runs, `signal` aborts before the lease can expire. In a process that was stopped or blocked,
 * every `assertHeld()` called after another's grant throws. A key removed by an operator is told as soon as it
 * is seen.
 *
 * @publicApi
 */
export interface HeldLock extends AsyncDisposable {
  /** As given to {@link Kvi.lock} or {@link Kvi.withLock}. */
  readonly name: string;
  /** The lock's key in the store: `NAME/<lease id in hex>-<n>`. */
  readonly key: string;
  /** Grows with every grant of this lock. Hand it to what you protect, and let that refuse a smaller one. */
  readonly fencingToken: number;
  /** Writes that are applied only if the lock is still held; the store decides. */
  readonly kv: FencedWrites;
  /** Aborts when the lock is lost, with a LockLostError as its reason; not when it is released. */
  readonly signal: AbortSignal;
  /** Neither lost nor released; looks at the clock, not only at what was heard. */
  readonly isHeld: boolean;
  /** @throws LockLostError when the lock is not held any more, also when the event loop was blocked until now */
  assertHeld(): void;
  /**
   * Gives the lock back. Idempotent: a second call answers as the first. It ends within `requestTimeoutMs`; what could not
   * be deleted by then is tried again in the background, until the lease ends it.
   *
   * @throws LockLostError when the lock was lost before
   */
  release(): Promise<void>;
}

/**
 * The writes of {@link Kvi}, applied only while the lock is held. What decides is the lock's key in the store, in the
 * same transaction, not what this process believes: a holder that was stopped or cut off, and lost the lock, cannot
 * write.
 *
 * Each throws `LockLostError` when the lock was lost or released: nothing was written. Otherwise as in {@link Kvi}.
 *
 * @publicApi
 */
export interface FencedWrites {
  /** See {@link Kvi.store}. */
  store(key: string, value: string): Promise<void>;
  /** See {@link Kvi.delete}. */
  delete(key: string): Promise<void>;
  /** See {@link Kvi.tas}. `false` says that the value was another, never that the lock was lost. */
  tas(key: string, testValue: string, setValue: string): Promise<boolean>;
  /** See {@link Kvi.transaction}. `false` says that the condition did not hold, never that the lock was lost. */
  transaction(
    key: string,
    op: TransactionOperator,
    value: string,
    thenKey: string,
    thenValue: string,
    elseKey?: string,
    elseValue?: string,
  ): Promise<boolean>;
}

/**
 * How long {@link Kvi.health} may take, and what it counts as healthy.
 *
 * @publicApi
 */
export interface HealthOptions {
  /**
   * Milliseconds within which the answer is there. Less than a leader's election takes, about a second and a half, tells
   * each of them as a lost quorum.
   *
   * @default 1000 as Kubernetes' probes
   */
  readonly timeoutMs?: number;
  /**
   * For how many milliseconds watches may be cut off before that counts as unhealthy: they reconnect by themselves.
   *
   * @default 5000
   */
  readonly watchesBehindMs?: number;
  /** Ends the check; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * What is the matter with a handle, the gravest first:
 *
 * - `closed`: it was closed;
 * - `refused`: the store answers, but does not accept the user, password or certificate;
 * - `unreachable`: no server answers;
 * - `no-quorum`: servers answer, but no linearizable read: they lost the others, or have no leader;
 * - `alarm`: the store raised one; with NOSPACE it refuses writes;
 * - `session-at-risk`: two keep-alives in a row were not answered, and locks and temporary keys are lost soon;
 * - `watches-behind`: watches are cut off for longer than `watchesBehindMs`, so that changes come late.
 *
 * @publicApi
 */
export type KviHealthStatus =
  | 'healthy'
  | 'closed'
  | 'refused'
  | 'unreachable'
  | 'no-quorum'
  | 'alarm'
  | 'session-at-risk'
  | 'watches-behind';

/**
 * The answer of {@link Kvi.health}. It holds no key, value, password or token.
 *
 * @publicApi
 */
export interface KviHealth {
  /** `healthy`, or the gravest of what is wrong. */
  readonly status: KviHealthStatus;
  /** Everything that is wrong, in words; undefined when nothing is. */
  readonly reason: string | undefined;
  /** Every server that the handle was opened with; none when it is closed. */
  readonly members: readonly MemberHealth[];
  /** The handle's own. */
  readonly session: SessionHealth;
  /** For how many milliseconds a watch, view or stream of changes has been cut off from the store; 0 when none is. */
  readonly watchesBehindMs: number;
}

/**
 * The session that locks and temporary keys live with. `none`: nothing has needed one yet. `lost`: so are its locks; the
 * next that needs one gets another.
 *
 * @publicApi
 */
export type SessionHealth =
  | {
      /** Nothing is held by it. */
      readonly state: 'none' | 'lost';
    }
  | {
      /** Locks and temporary keys live with it. */
      readonly state: 'live' | 'at-risk';
      /** In how many milliseconds it is told as lost, if no keep-alive is answered by then. */
      readonly lostInMs: number;
    };
