import { compareBytes } from '../byte-order.js';
import { type Clock, systemClock } from '../clock.js';
import { CompactedError } from '../errors.js';
import type {
  Compare,
  CompareOperator,
  KeyRecord,
  KeySpan,
  Lease,
  LeaseId,
  Operation,
  OperationResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
  WatchRequest,
} from '../store.js';
import { refuseEmptyKey, refuseEmptyKeys } from './empty-key.js';
import { History } from './history.js';
import { KeySpace } from './key-space.js';
import { Leases } from './leases.js';
import { MemoryWatch } from './memory-watch.js';
import { refuseEmptySpan } from './empty-span.js';
import { refuseOverlap } from './overlap.js';
import { Watchers } from './watchers.js';

/** A store begins with it: it changed nothing. */
const FIRST_REVISION = 1;

const NO_LEASE: LeaseId = '';
const NONE: readonly never[] = [];

/** About 64 million characters of keys and values: half a million small changes. */
const HISTORY_WEIGHT = 64 * 1024 * 1024;

/** A transaction after all comparisons, the nested ones too: what is left to do. */
interface Decision {
  readonly succeeded: boolean;
  readonly operations: readonly DecidedOperation[];
}

type PlainOperation = Exclude<Operation, { type: 'txn' }>;
type DecidedOperation = PlainOperation | ({ readonly type: 'txn' } & Decision);

/**
 * A multi-version key-value database with etcd's rules, in memory. Each call is done when it returns, so calls
 * never interleave and every one is atomic.
 */
export class MemoryDatabase {
  readonly endpoint: string;
  readonly #keys = new KeySpace();
  readonly #watchers = new Watchers();
  readonly #history: History;
  readonly #leases: Leases;

  /**
   * @param options.endpoint what it is called by
   * @param options.clock time for the leases; tests hand in their own
   * @param options.historyWeight how much history to keep, in characters of keys and values
   */
  constructor(options: { endpoint?: string; clock?: Clock; historyWeight?: number } = {}) {
    this.endpoint = options.endpoint ?? 'mem:';
    this.#history = new History(options.historyWeight ?? HISTORY_WEIGHT);
    this.#leases = new Leases(options.clock ?? systemClock, (keys) => this.#deleteAll(keys));
  }

  range(request: RangeRequest): RangeResponse {
    refuseEmptyKey(request);
    const limit = limitOf(request);
    const found = this.#select(request);
    const kvs = found.length > limit ? found.slice(0, limit) : found;
    return {
      revision: this.#history.presentRevision,
      kvs: request.keysOnly ? kvs.map((record) => ({ ...record, value: '' })) : kvs,
      more: found.length > limit,
    };
  }

  txn(request: TxnRequest): TxnResponse {
    refuseEmptyKeys(request);
    refuseOverlap(request);
    const { succeeded, operations } = this.#decide(request);
    // All puts before all reads, as etcd does: where both are wrong, the lease is told.
    this.#checkLeases(operations);
    this.#checkRevisions(operations);
    const responses = this.#carryOut(operations);
    this.#commit();
    return { revision: this.#history.revision, succeeded, responses };
  }

  leaseGrant(ttlSec: number): Lease {
    return this.#leases.grant(ttlSec);
  }

  leaseKeepAlive(id: LeaseId): number {
    return this.#leases.keepAlive(id);
  }

  leaseRevoke(id: LeaseId): void {
    this.#deleteAll(this.#leases.end(id));
  }

  /** @param onEnd told when the watch has ended, by cancellation or compaction */
  watch(
    { afterRevision, ...span }: WatchRequest,
    onEnd: (watch: MemoryWatch) => void = () => {},
  ): MemoryWatch {
    refuseEmptySpan(span);
    const watch = new MemoryWatch(
      span,
      afterRevision,
      this.endpoint,
      () => this.#history.revision,
      (ended) => {
        this.#watchers.delete(ended);
        onEnd(ended);
      },
    );
    this.#watchers.add(watch);
    this.#replay(watch, Math.max(FIRST_REVISION, afterRevision));
    return watch;
  }

  /** Forgets the history up to `revision`, as etcd's Compact does. Throws CompactedError when it is gone already. */
  compact(revision: number): void {
    this.#history.compact(revision);
    this.#watchers.compact(revision);
  }

  #replay(watch: MemoryWatch, afterRevision: number): void {
    try {
      for (const changes of this.#history.changesAfter(afterRevision, watch.span)) watch.push(changes);
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      watch.fail(error);
    }
  }

  /**
   * At least one record more than the limit, where there is one, so that the caller sees that it cut. A transaction
   * that reads sees in the present what it has changed so far, and in the past what it found.
   */
  #select(request: RangeRequest): KeyRecord[] {
    const { revision, oldestFirst } = request;
    const enough = oldestFirst ? Infinity : limitOf(request) + 1;
    const records =
      revision === undefined || revision === this.#history.presentRevision
        ? this.#keys.select(request, enough)
        : this.#selectPast(request, enough, this.#history.recordsBefore(revision, request));
    return oldestFirst ? records.sort((a, b) => a.createRevision - b.createRevision) : records;
  }

  /** @param before what the keys that have changed since then were */
  #selectPast(
    span: KeySpan,
    enough: number,
    before: ReadonlyMap<string, KeyRecord | undefined>,
  ): KeyRecord[] {
    // Of the records read here no more than have changed drop out, so enough are left.
    const present = this.#keys.select(span, enough + before.size);
    const untouched = present.filter((record) => !before.has(record.key));
    const past = [...before.values()].filter((record) => record !== undefined);
    if (past.length === 0) return untouched;
    return [...untouched, ...past].sort((a, b) => compareBytes(a.key, b.key));
  }

  #allHold(compare: readonly Compare[]): boolean {
    for (const condition of compare) if (!this.#holds(condition)) return false;
    return true;
  }

  #holds(condition: Compare): boolean {
    const records = this.#keys.select(condition);
    if (records.length === 0) return recordHolds(undefined, condition);
    return records.every((record) => recordHolds(record, condition));
  }

  #decide({ compare = NONE, success = NONE, failure = NONE }: TxnRequest): Decision {
    const succeeded = this.#allHold(compare);
    return { succeeded, operations: this.#decideNested(succeeded ? success : failure) };
  }

  /** Most branches have no txn in them and are decided as they are. */
  #decideNested(branch: readonly Operation[]): readonly DecidedOperation[] {
    if (isPlain(branch)) return branch;
    return branch.map((operation) =>
      operation.type === 'txn' ? { type: 'txn', ...this.#decide(operation) } : operation,
    );
  }

  #checkLeases(operations: readonly DecidedOperation[]): void {
    for (const operation of operations) {
      if (operation.type === 'put' && operation.lease) this.#leases.check(operation.lease);
      else if (operation.type === 'txn') this.#checkLeases(operation.operations);
    }
  }

  #checkRevisions(operations: readonly DecidedOperation[]): void {
    for (const operation of operations) {
      if (operation.type === 'range' && operation.revision !== undefined) {
        this.#history.checkReadable(operation.revision);
      } else if (operation.type === 'txn') this.#checkRevisions(operation.operations);
    }
  }

  #carryOut(operations: readonly DecidedOperation[]): OperationResponse[] {
    return operations.map((operation) => this.#apply(operation));
  }

  #apply(operation: DecidedOperation): OperationResponse {
    switch (operation.type) {
      case 'put':
        this.#put(operation.key, operation.value, operation.lease ?? NO_LEASE);
        return { type: 'put' };
      case 'delete': {
        const records = this.#keys.select(operation);
        for (const record of records) this.#delete(record);
        return { type: 'delete', deleted: records.length };
      }
      case 'range':
        return { type: 'range', ...this.range(operation) };
      case 'txn': {
        const { succeeded, operations } = operation;
        return { type: 'txn', succeeded, responses: this.#carryOut(operations) };
      }
    }
  }

  #put(key: string, value: string, lease: LeaseId): void {
    const previous = this.#keys.get(key);
    const modRevision = this.#nextRevision;
    const kv: KeyRecord = {
      key,
      value,
      createRevision: previous?.createRevision ?? modRevision,
      modRevision,
      version: (previous?.version ?? 0) + 1,
      lease,
    };
    this.#keys.put(kv);
    if (previous !== undefined && previous.lease !== lease) this.#leases.detach(previous.lease, key);
    if (lease !== NO_LEASE) this.#leases.attach(lease, key);
    this.#history.append(kv, previous);
  }

  #delete(record: KeyRecord): void {
    const { key, lease } = record;
    this.#keys.delete(key);
    this.#leases.detach(lease, key);
    const gone = { createRevision: 0, modRevision: this.#nextRevision, version: 0, lease: NO_LEASE };
    this.#history.append({ key, value: '', ...gone }, this.#beforeTxn(record));
  }

  /** A nested transaction may have put what the next one deletes; `previous` is of the revision before, all the same. */
  #beforeTxn(record: KeyRecord): KeyRecord | undefined {
    const { revision } = this.#history;
    if (record.modRevision <= revision) return record;
    return this.#history.recordsBefore(revision, { key: record.key }).get(record.key);
  }

  /** In byte order, as etcd deletes the keys of a lease. */
  #deleteAll(keys: ReadonlySet<string>): void {
    for (const key of [...keys].sort(compareBytes)) this.#delete(this.#keys.get(key)!);
    this.#commit();
  }

  get #nextRevision(): number {
    return this.#history.revision + 1;
  }

  #commit(): void {
    if (!this.#history.commit()) return;
    if (!this.#watchers.isEmpty) this.#watchers.publish(this.#history.newestChanges);
    if (this.#history.isOverweight) this.compact(this.#history.halfWeightRevision());
  }
}

/** To etcd, 0 is no limit. */
function limitOf({ limit = 0 }: RangeRequest): number {
  return limit === 0 ? Infinity : limit;
}

function isPlain(branch: readonly Operation[]): branch is readonly PlainOperation[] {
  for (const { type } of branch) if (type === 'txn') return false;
  return true;
}

function recordHolds(record: KeyRecord | undefined, condition: Compare): boolean {
  if (condition.target === 'value') {
    return (
      record !== undefined && orderHolds(compareBytes(record.value, condition.value), condition.operator)
    );
  }
  const revision = condition.target === 'create' ? record?.createRevision : record?.modRevision;
  return orderHolds((revision ?? 0) - condition.revision, condition.operator);
}

function orderHolds(order: number, operator: CompareOperator): boolean {
  switch (operator) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '>':
      return order > 0;
  }
}
