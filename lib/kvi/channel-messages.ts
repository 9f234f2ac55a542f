import type { KeySpan, StorePlace } from '../store/store.js';

/**
 * A function of `Kvi` that asks the store and ends with the answer; `scan` with each page of it. Those of
 * `lock.kv` go by the same names.
 *
 * @publicApi
 */
export type CallOperation =
  | 'get'
  | 'getRange'
  | 'getPrefix'
  | 'scan'
  | 'snapshot'
  | 'store'
  | 'delete'
  | 'transaction'
  | 'tas'
  | 'createIfAbsent'
  | 'tempKey'
  | 'watchWithCB'
  | 'observe'
  | 'lockInfo';

/**
 * On `nestjs-hmetcd:call`, a tracing channel: a call, from the moment it asks to its answer. One whose arguments are
 * refused asks nothing. `key` is the key, with `rangeEnd` the first of a range, which ends before `rangeEnd` (`'\0'`: with
 * the last key); of a transaction it is the key that is compared.
 *
 * @publicApi
 */
export interface CallMessage extends StorePlace, KeySpan {
  /** Which function was called. */
  readonly operation: CallOperation;
  /** What the call rejected with, once it did: in `error` and after it. */
  error?: unknown;
}

/**
 * On `nestjs-hmetcd:lock.wait`, a tracing channel: somebody wants a lock, from the call to its grant. `withLock` and
 * `@DistLocked` wait for their turn in this process, too.
 *
 * @publicApi
 */
export interface LockWaitMessage extends StorePlace {
  /** The lock's name. */
  readonly name: string;
  /** Once it is granted. */
  fencingToken?: number;
  /** Why it was not had: in `error` and after it. */
  error?: unknown;
}

/**
 * On `nestjs-hmetcd:lock.hold`, a tracing channel: a lock is held, from its grant to its release. `start` and `end` are both
 * told at the grant, `asyncStart` and `asyncEnd` when it is over: by its release, its loss, or the closing of its handle.
 *
 * @publicApi
 */
export interface LockHoldMessage extends StorePlace {
  /** The lock's name. */
  readonly name: string;
  /** The lock's key in the store. */
  readonly key: string;
  /** Of this hold. */
  readonly fencingToken: number;
  /** The LockLostError of a lock that was lost: in `error` and after it. */
  error?: unknown;
}

/**
 * On `nestjs-hmetcd:watch.resync`: a view, or a handler with `initial`, read its range anew, because the changes that it missed are gone.
 *
 * @publicApi
 */
export interface WatchResyncMessage extends StorePlace, KeySpan {
  /** The history was compacted, or another one stands behind the endpoints. */
  readonly reason: 'compacted' | 'replaced';
  /** What it knows since then. */
  readonly revision: number;
}

/**
 * On `nestjs-hmetcd:session.granted`: a handle has a lease, its first or one after a loss.
 *
 * @publicApi
 */
export interface SessionGrantedMessage extends StorePlace {
  /** The lease's id, as `etcdctl lease list` prints it. */
  readonly lease: string;
  /** The time to live that was granted, in seconds. */
  readonly ttlSec: number;
}

/**
 * On `nestjs-hmetcd:session.renewed`: a keep-alive was answered.
 *
 * @publicApi
 */
export interface SessionRenewedMessage extends StorePlace {
  /** The lease's id, as `etcdctl lease list` prints it. */
  readonly lease: string;
  /** How many milliseconds its answer took. */
  readonly roundTripMs: number;
  /** How many milliseconds later the session would have counted as lost, had there been no answer. */
  readonly leftMs: number;
}

/**
 * On `nestjs-hmetcd:session.lost`: the lease is over, or must be taken for it, and with it all locks of the handle.
 *
 * @publicApi
 */
export interface SessionLostMessage extends StorePlace {
  /** The lease's id, as `etcdctl lease list` prints it. */
  readonly lease: string;
  /** How that is known, in words. */
  readonly reason: string;
}

/**
 * On `nestjs-hmetcd:session.ended`: the handle is being closed, and gives its lease back or leaves it to expire.
 *
 * @publicApi
 */
export interface SessionEndedMessage extends StorePlace {
  /** The lease's id, as `etcdctl lease list` prints it. */
  readonly lease: string;
}
