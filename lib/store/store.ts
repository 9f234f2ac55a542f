/**
 * The port: what a backend must do, in etcd's own terms (https://etcd.io/docs/v3.5/learning/api/), so that the
 * etcd store is a thin translation and the memory store a small machine with the same rules. Locks, change
 * streams and temporary keys are written once above it.
 *
 * Keys and values are well-formed strings and stand for their UTF-8 bytes; every order and comparison is by bytes. To
 * read, compare or write the empty key throws InvalidArgumentError.
 */
export interface Store {
  /** Which store it is, for telemetry. */
  readonly place: StorePlace;

  /** Reads keys at one revision. Linearizable unless `revision` asks for the past. Throws CompactedError. */
  range(request: RangeRequest): Promise<RangeResponse>;

  /** The present revision, no older than any write that was answered before. `key` is one that the user may read. */
  revision(key: string): Promise<number>;

  /**
   * Compares, then does one branch, atomically: all its writes get one new revision. A branch may not write
   * one key twice (InvalidArgumentError); a put under an unknown lease throws LeaseNotFoundError.
   *
   * An operation may be a txn itself, to any depth. All comparisons, the nested ones too, see the state before the
   * whole txn; operations are done one after the other, and a read sees the writes before it. The two branches of
   * a nested txn may write one key, for only one of them is done. Do not let one nested txn delete what another
   * before it put, nor a deletion to the last key what the branch puts: etcd overlooks that, and a watcher is told both
   * of one revision.
   */
  txn(request: TxnRequest): Promise<TxnResponse>;

  /**
   * Who writes through it has each write applied once, whatever becomes of its answers on the way. A writer may let
   * writes of different keys travel together; those that touch one key are done in the order of their calls.
   *
   * @param session under whose lease the writer records what it has done; without it a write whose answer is lost ends
   * with OutcomeUnknownError
   */
  writer(session?: WriterSession): Writer;

  /** Grants a lease. The store may give a longer time than asked for; the answer counts. */
  leaseGrant(ttlSec: number): Promise<Lease>;

  /** Starts the lease's time anew. Answers its time to live in seconds, 0 when the lease is gone. */
  leaseKeepAlive(id: LeaseId): Promise<number>;

  /** Ends a lease and deletes its keys in one revision. An unknown lease is no error. */
  leaseRevoke(id: LeaseId): Promise<void>;

  /** Watches a range. Resolves once the watch is registered. Throws InvalidArgumentError when no key lies in the range. */
  watch(request: WatchRequest): Promise<Watch>;

  /**
   * How the store is doing, as far as that can be found out within `timeoutMs` milliseconds; it ends then at the latest.
   * What fails is a part of the answer: it throws nothing.
   */
  health(timeoutMs: number): Promise<StoreHealth>;

  /** Ends the connection and its watches. Leases go on until they expire. Idempotent. */
  close(): Promise<void>;
}

/**
 * Which store something happened in.
 *
 * @publicApi
 */
export interface StorePlace {
  /** `mem:NAME`, or the URLs of etcd, with a comma and a space between them. */
  readonly endpoint: string;
  /** What stands before every key there, unseen; '' for nothing. */
  readonly namespace: string;
}

export interface Writer {
  /**
   * As `Store.txn`, exactly once; its operations are puts without a lease, deletions of single keys and reads, or txns of
   * such. An error says that nothing was applied, but for OutcomeUnknownError.
   *
   * @param after the write is sent when this has settled. It has its place among the others, and its time counts, from
   * the call on
   */
  write(request: TxnRequest, after?: Promise<unknown>): Promise<WriteOutcome & { readonly revision: number }>;

  /** Resolves when every write that was asked for has been answered. */
  idle(): Promise<void>;
}

/** What a writer needs of the session of its user. */
export interface WriterSession {
  /** Keys that begin with it are not used by anybody else: this, the lease's id and a slash stand before each record. */
  readonly prefix: string;
  /** The session's lease, at once where there is one. Throws what its grant throws. */
  lease(): LeaseId | Promise<LeaseId>;
  /** The store does not know this lease. */
  lost(lease: LeaseId): void;
}

/** What came of a write: a txn's outcome, without what its reads found and how much it deleted. */
export interface WriteOutcome {
  readonly succeeded: boolean;
  readonly responses: readonly WriteOperationOutcome[];
}

export type WriteOperationOutcome =
  { readonly type: 'put' | 'delete' | 'range' } | ({ readonly type: 'txn' } & WriteOutcome);

/** A lease's id in lower-case hexadecimal, as Go's `%x` and etcdctl print it. */
export type LeaseId = string;

export interface Lease {
  readonly id: LeaseId;
  /** The time to live that was granted, in seconds. */
  readonly ttlSec: number;
}

export interface KeyRecord {
  readonly key: string;
  readonly value: string;
  /** The revision that created the key, anew after each deletion. */
  readonly createRevision: number;
  /** The revision of the last change. */
  readonly modRevision: number;
  /** 1 on creation, one more with each put. */
  readonly version: number;
  /** The lease that the key lives under, '' for none. */
  readonly lease: LeaseId;
}

/**
 * A key, or a range of keys.
 *
 * @publicApi
 */
export interface KeySpan {
  /** The only key, or the first. */
  readonly key: string;
  /** What comes after the last key. */
  readonly rangeEnd?: string;
}

export interface RangeRequest extends KeySpan {
  /** Read at this revision instead of now. */
  readonly revision?: number;
  /** At most so many. A store that cannot deliver them in the time of one call answers fewer, with `more`. */
  readonly limit?: number;
  /** Answer records with an empty value. */
  readonly keysOnly?: boolean;
  /** In order of create revision instead of key; `limit` then gives the oldest. */
  readonly oldestFirst?: boolean;
}

export interface RangeResponse {
  /** The store's revision when it answered; also when an older one was asked for. */
  readonly revision: number;
  readonly kvs: readonly KeyRecord[];
  /** `limit` cut the answer. */
  readonly more: boolean;
}

export type CompareOperator = '=' | '!=' | '<' | '>';

/**
 * A value comparison is false for a missing key, whatever the operator. Missing keys have create and mod
 * revision 0. A comparison over a span must hold for each key in it; a span without keys counts as a missing key.
 */
export type Compare =
  | (KeySpan & { readonly target: 'value'; readonly operator: CompareOperator; readonly value: string })
  | (KeySpan & {
      readonly target: 'create' | 'mod';
      readonly operator: CompareOperator;
      readonly revision: number;
    });

/** A put without a lease, or with '', takes the key off the one it lived under. */
export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: string; readonly lease?: LeaseId }
  | ({ readonly type: 'delete' } & KeySpan)
  | ({ readonly type: 'range' } & RangeRequest)
  | ({ readonly type: 'txn' } & TxnRequest);

export interface TxnRequest {
  /** All must hold; none holds always. */
  readonly compare?: readonly Compare[];
  readonly success?: readonly Operation[];
  readonly failure?: readonly Operation[];
}

export type OperationResponse =
  | { readonly type: 'put' }
  | { readonly type: 'delete'; readonly deleted: number }
  | ({ readonly type: 'range' } & RangeResponse)
  | ({ readonly type: 'txn' } & Outcome);

/** What came of a txn, be it nested or not. Only the outermost has a revision, which is that of all writes in it. */
export interface Outcome {
  readonly succeeded: boolean;
  /** One for each operation of the branch that was done, in its order. */
  readonly responses: readonly OperationResponse[];
}

export interface TxnResponse extends Outcome {
  /** The revision of the txn's writes; the present one when nothing was written. */
  readonly revision: number;
}

export interface WatchRequest extends KeySpan {
  /** Deliver every change above this revision. */
  readonly afterRevision: number;
}

export interface Watch {
  /**
   * The next response, in order of revision; `undefined` once the watch was cancelled or its store closed.
   * One call at a time. Throws CompactedError when the store no longer has what comes next.
   */
  next(): Promise<WatchResponse | undefined>;

  /** Asks for a response without events that says how far the watch has come. */
  requestProgress(): void;

  /**
   * For how many milliseconds the store has not been heard of, so that changes may be late; undefined while it is. One
   * whose history was replaced has this at the latest when the answer that showed it is handed over.
   */
  readonly cutOffMs: number | undefined;

  /** Ends the watch and answers a pending `next`. Idempotent. */
  cancel(): void;
}

export interface WatchResponse {
  /** Everything in the span up to this revision has been handed over with this response. */
  readonly revision: number;
  /** All changes of one or more whole revisions; none in a progress response. */
  readonly events: readonly WatchEvent[];
}

export interface WatchEvent {
  readonly type: 'put' | 'delete';
  /** The key as it is now; after a deletion only `key` and `modRevision` mean anything. */
  readonly kv: KeyRecord;
  /** The key as it was in the revision before; undefined when it did not exist. */
  readonly previous: KeyRecord | undefined;
}

export interface StoreHealth {
  /** Every server that the store was opened with, in that order. */
  readonly members: readonly MemberHealth[];
  /** For how many milliseconds a watch has been without a connection; undefined while all have one. */
  readonly watchesCutOffMs: number | undefined;
}

/**
 * How one server of a store is doing, as far as it could be found out in time.
 *
 * @publicApi
 */
export interface MemberHealth {
  /** As it was given to `open()` or `HmEtcdModule`. */
  readonly endpoint: string;
  /** It answered anything at all, be it only what it knows without the others. */
  readonly isReachable: boolean;
  /** Whether it knows a leader; undefined when it did not say. */
  readonly hasLeader: boolean | undefined;
  /**
   * What became of a linearizable read, which takes a quorum: `answered`, also where the user may not read that key;
   * `refused`, because the user, password or certificate was not accepted; or `unanswered`.
   */
  readonly read: 'answered' | 'refused' | 'unanswered';
  /** The alarms that are raised in the cluster, such as `NOSPACE` and `CORRUPT`. */
  readonly alarms: readonly string[];
  /** Why the read was not answered, in the words of the server or the transport; undefined when it was. */
  readonly failure: string | undefined;
}
