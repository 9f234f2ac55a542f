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
  Outcome,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
  WatchEvent,
  WatchRequest,
} from '../store.js';
import { History } from './history.js';
import { KeySpace } from './key-space.js';
import { Leases } from './leases.js';
import { MemoryWatch } from './memory-watch.js';
import { refuseOverlap } from './overlap.js';
import { Watchers } from './watchers.js';

const NO_LEASE: LeaseId = '';

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
  readonly #keys = new KeySpace();
  readonly #watchers = new Watchers();
  readonly #history: History;
  readonly #leases: Leases;

  /**
   * @param options.clock time for the leases; tests hand in their own
   * @param options.historyWeight how much history to keep, in characters of keys and values
   */
  constructor(options: { clock?: Clock; historyWeight?: number } = {}) {
    this.#history = new History(options.historyWeight ?? HISTORY_WEIGHT);
    this.#leases = new Leases(options.clock ?? systemClock, (keys) => this.#deleteAll(keys));
  }

  range(request: RangeRequest): RangeResponse {
    return this.#range(request, []);
  }

  txn(request: TxnRequest): TxnResponse {
    refuseOverlap(request);
    const decision = this.#decide(request);
    this.#checkOperations(plainOperationsOf(decision));
    const events: WatchEvent[] = [];
    const outcome = this.#carryOut(decision, events);
    this.#commit(events);
    return { revision: this.#history.revision, ...outcome };
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
    const watch = new MemoryWatch(
      span,
      afterRevision,
      () => this.#history.revision,
      (ended) => {
        this.#watchers.delete(ended);
        onEnd(ended);
      },
    );
    this.#watchers.add(watch);
    this.#replay(watch, afterRevision);
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

  /** @param uncommitted what the transaction that reads has changed so far: the present shows it, the past does not */
  #range(request: RangeRequest, uncommitted: readonly WatchEvent[]): RangeResponse {
    const { limit = Infinity } = request;
    const found = this.#select(request, uncommitted);
    const kvs = found.length > limit ? found.slice(0, limit) : found;
    return {
      revision: uncommitted.length > 0 ? this.#nextRevision : this.#history.revision,
      kvs: request.keysOnly ? kvs.map((record) => ({ ...record, value: '' })) : kvs,
      more: found.length > limit,
    };
  }

  /** At least one record more than the limit, where there is one, so that the caller sees that it cut. */
  #select(
    { limit = Infinity, revision, oldestFirst, ...span }: RangeRequest,
    uncommitted: readonly WatchEvent[],
  ): KeyRecord[] {
    const isPresent =
      revision === undefined || (revision === this.#history.revision && uncommitted.length === 0);
    const enough = oldestFirst ? Infinity : limit + 1;
    const records = isPresent
      ? this.#keys.select(span, enough)
      : this.#selectPast(span, enough, this.#history.recordsBefore(revision, span, uncommitted));
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

  #holds(condition: Compare): boolean {
    const records = this.#keys.select(condition);
    if (records.length === 0) return recordHolds(undefined, condition);
    return records.every((record) => recordHolds(record, condition));
  }

  #decide({ compare = [], success = [], failure = [] }: TxnRequest): Decision {
    const succeeded = compare.every((condition) => this.#holds(condition));
    const branch = succeeded ? success : failure;
    if (branch.every(isPlain)) return { succeeded, operations: branch };
    const operations = branch.map((operation): DecidedOperation =>
      operation.type === 'txn' ? { type: 'txn', ...this.#decide(operation) } : operation,
    );
    return { succeeded, operations };
  }

  /** All puts before all reads, as etcd does: where both are wrong, the lease is told. */
  #checkOperations(operations: readonly PlainOperation[]): void {
    for (const operation of operations) {
      if (operation.type === 'put' && operation.lease) this.#leases.check(operation.lease);
    }
    for (const operation of operations) {
      if (operation.type === 'range' && operation.revision !== undefined) {
        this.#history.checkReadable(operation.revision);
      }
    }
  }

  #carryOut({ succeeded, operations }: Decision, events: WatchEvent[]): Outcome {
    return { succeeded, responses: operations.map((operation) => this.#apply(operation, events)) };
  }

  #apply(operation: DecidedOperation, events: WatchEvent[]): OperationResponse {
    switch (operation.type) {
      case 'put':
        events.push(this.#put(operation.key, operation.value, operation.lease ?? NO_LEASE));
        return { type: 'put' };
      case 'delete': {
        const records = this.#keys.select(operation);
        for (const record of records) events.push(this.#delete(record, this.#beforeTxn(record, events)));
        return { type: 'delete', deleted: records.length };
      }
      case 'range':
        return { type: 'range', ...this.#range(operation, events) };
      case 'txn':
        return { type: 'txn', ...this.#carryOut(operation, events) };
    }
  }

  #put(key: string, value: string, lease: LeaseId): WatchEvent {
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
    return { type: 'put', kv, previous };
  }

  #delete({ key, lease }: KeyRecord, previous: KeyRecord | undefined): WatchEvent {
    this.#keys.delete(key);
    this.#leases.detach(lease, key);
    const gone = { createRevision: 0, modRevision: this.#nextRevision, version: 0, lease: NO_LEASE };
    return { type: 'delete', kv: { key, value: '', ...gone }, previous };
  }

  /** A nested transaction may have put what the next one deletes; `previous` is of the revision before, all the same. */
  #beforeTxn(record: KeyRecord, events: readonly WatchEvent[]): KeyRecord | undefined {
    if (record.modRevision < this.#nextRevision) return record;
    return events.find(({ kv }) => kv === record)?.previous;
  }

  /** In byte order, as etcd deletes the keys of a lease. */
  #deleteAll(keys: ReadonlySet<string>): void {
    const records = [...keys].sort(compareBytes).map((key) => this.#keys.get(key)!);
    this.#commit(records.map((record) => this.#delete(record, record)));
  }

  get #nextRevision(): number {
    return this.#history.revision + 1;
  }

  #commit(events: WatchEvent[]): void {
    if (events.length === 0) return;
    // A copy has no room to grow, which in an array of one event is most of it.
    const changes = { revision: this.#nextRevision, events: [...events] };
    this.#history.append(changes);
    this.#watchers.publish(changes);
    if (this.#history.isOverweight) this.compact(this.#history.halfWeightRevision());
  }
}

function isPlain(operation: Operation | DecidedOperation): operation is PlainOperation {
  return operation.type !== 'txn';
}

function plainOperationsOf({ operations }: Decision): readonly PlainOperation[] {
  if (operations.every(isPlain)) return operations;
  return operations.flatMap((operation) =>
    operation.type === 'txn' ? plainOperationsOf(operation) : operation,
  );
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
