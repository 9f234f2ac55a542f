import { CompactedError, InvalidArgumentError, LeaseNotFoundError } from '../../../lib/store/errors.js';
import type {
  Compare,
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
  WatchResponse,
} from '../../../lib/store/store.js';

type Keys = ReadonlyMap<string, KeyRecord>;
type Leaf = Exclude<Operation, { type: 'txn' }>;

/** One revision: every key as it then was, and the changes that led there. */
interface Revision {
  readonly keys: Keys;
  readonly events: readonly WatchEvent[];
}

interface NaiveLease {
  readonly ttlSec: number;
  deadline: number;
}

/** What a watch answered: a response, its end, or an error. */
export type WatchAnswer = WatchResponse | 'ended' | CompactedError;

/**
 * What a memory database must do, written so that one sees that it is right: an array of revisions, each with a
 * full copy of all keys. Nothing here is shared with the real one but the types and the errors.
 */
export class NaiveDatabase {
  /** The index is the revision; etcd begins with 1, so 0 is never looked at. */
  readonly revisions: Revision[] = [
    { keys: new Map(), events: [] },
    { keys: new Map(), events: [] },
  ];
  compactRevision = 1;
  readonly leases = new Map<LeaseId, NaiveLease>();
  readonly watches: NaiveWatch[] = [];
  #granted = 0;
  #now = 0;

  get revision(): number {
    return this.revisions.length - 1;
  }

  get keys(): Keys {
    return this.revisions[this.revision]!.keys;
  }

  range(request: RangeRequest): RangeResponse {
    return this.#rangeOf(request, this.keys, this.revision);
  }

  txn(request: TxnRequest): TxnResponse {
    const { success = [], failure = [] } = request;
    for (const branch of [success, failure]) if (writesTwice(branch)) throw new InvalidArgumentError('twice');
    this.#check(request);
    const keys = new Map(this.keys);
    const events: WatchEvent[] = [];
    const outcome = this.#carryOut(request, keys, events);
    if (events.length > 0) this.revisions.push({ keys, events });
    return { ...outcome, revision: this.revision };
  }

  leaseGrant(ttlSec: number): Lease {
    const lease = { id: (++this.#granted).toString(16), ttlSec: Math.max(2, ttlSec) };
    this.leases.set(lease.id, { ttlSec: lease.ttlSec, deadline: this.#now + lease.ttlSec * 1000 });
    return lease;
  }

  leaseKeepAlive(id: LeaseId): number {
    const lease = this.leases.get(id);
    if (lease === undefined) return 0;
    lease.deadline = this.#now + lease.ttlSec * 1000;
    return lease.ttlSec;
  }

  leaseRevoke(id: LeaseId): void {
    this.leases.delete(id);
    const records = sorted(this.keys).filter((record) => record.lease === id);
    this.txn({ success: records.map(({ key }) => ({ type: 'delete', key })) });
  }

  /** In how many milliseconds the next lease expires; Infinity when there is none. */
  get untilNextExpiry(): number {
    return Math.min(...[...this.leases.values()].map(({ deadline }) => deadline - this.#now));
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    const due = [...this.leases].filter(([, lease]) => lease.deadline <= end);
    for (const [id] of due.sort(([, a], [, b]) => a.deadline - b.deadline)) this.leaseRevoke(id);
    this.#now = end;
  }

  compact(revision: number): void {
    if (revision <= this.compactRevision) throw this.#compacted();
    if (revision > this.revision) throw new InvalidArgumentError('in the future');
    this.compactRevision = revision;
    for (const watch of this.watches) watch.compact(revision);
  }

  watch(request: WatchRequest): NaiveWatch {
    if (request.rangeEnd !== undefined && isEmpty(request.key, request.rangeEnd)) {
      throw new InvalidArgumentError('no key');
    }
    const watch = new NaiveWatch(this, request);
    if (Math.max(1, request.afterRevision) < this.compactRevision) watch.failure = this.#compacted();
    this.watches.push(watch);
    return watch;
  }

  #compacted(): CompactedError {
    return new CompactedError('compacted', this.compactRevision + 1);
  }

  #rangeOf(request: RangeRequest, now: Keys, revision: number): RangeResponse {
    this.#checkRevision(request.revision);
    const keys = request.revision === undefined ? now : this.revisions[request.revision]!.keys;
    const found = sorted(keys).filter(({ key }) => inSpan(key, request));
    if (request.oldestFirst) found.sort((a, b) => a.createRevision - b.createRevision);
    const kvs = found.slice(0, request.limit || undefined);
    return {
      revision,
      kvs: request.keysOnly ? kvs.map((record) => ({ ...record, value: '' })) : kvs,
      more: kvs.length < found.length,
    };
  }

  #check(request: TxnRequest): void {
    const operations = this.#toBeDone(request);
    for (const operation of operations) {
      if (operation.type !== 'put' || operation.lease === undefined) continue;
      if (!this.leases.has(operation.lease)) throw new LeaseNotFoundError('not found');
    }
    for (const operation of operations) {
      if (operation.type === 'range') this.#checkRevision(operation.revision);
    }
  }

  /** The operations that are no transactions themselves. */
  #toBeDone(request: TxnRequest): Leaf[] {
    return this.#branchOf(request).flatMap((operation) =>
      operation.type === 'txn' ? this.#toBeDone(operation) : operation,
    );
  }

  #branchOf({ compare = [], success = [], failure = [] }: TxnRequest): readonly Operation[] {
    return compare.every((condition) => this.#holds(condition)) ? success : failure;
  }

  #carryOut(request: TxnRequest, keys: Map<string, KeyRecord>, events: WatchEvent[]): Outcome {
    return {
      succeeded: (request.compare ?? []).every((condition) => this.#holds(condition)),
      responses: this.#branchOf(request).map((operation) => this.#apply(operation, keys, events)),
    };
  }

  #checkRevision(revision: number | undefined): void {
    if (revision === undefined) return;
    if (revision < this.compactRevision) throw this.#compacted();
    if (revision > this.revision) throw new InvalidArgumentError('in the future');
  }

  #holds(condition: Compare): boolean {
    const found = [...this.keys.values()].filter(({ key }) => inSpan(key, condition));
    if (condition.target === 'value') {
      const values = found.map(({ value }) => compareUtf8(value, condition.value));
      return values.length > 0 && values.every((order) => orderIs(condition.operator, order));
    }
    const ofMissing = { createRevision: 0, modRevision: 0 };
    return (found.length === 0 ? [ofMissing] : found).every((record) => {
      const actual = condition.target === 'create' ? record.createRevision : record.modRevision;
      return orderIs(condition.operator, actual - condition.revision);
    });
  }

  #apply(operation: Operation, keys: Map<string, KeyRecord>, events: WatchEvent[]): OperationResponse {
    const modRevision = this.revision + 1;
    switch (operation.type) {
      case 'put': {
        const { key, value, lease = '' } = operation;
        const previous = keys.get(key);
        const { createRevision, version } = previous ?? { createRevision: modRevision, version: 0 };
        const kv = { key, value, createRevision, modRevision, version: version + 1, lease };
        keys.set(key, kv);
        // What the transaction deleted before it put it is created anew.
        events.push({ type: 'put', kv, previous: version === 0 ? undefined : this.keys.get(key) });
        return { type: 'put' };
      }
      case 'delete': {
        const gone = sorted(keys).filter(({ key }) => inSpan(key, operation));
        for (const { key } of gone) {
          keys.delete(key);
          const kv = { key, value: '', createRevision: 0, modRevision, version: 0, lease: '' };
          events.push({ type: 'delete', kv, previous: this.keys.get(key) });
        }
        return { type: 'delete', deleted: gone.length };
      }
      case 'range': {
        const revision = events.length > 0 ? modRevision : this.revision;
        return { type: 'range', ...this.#rangeOf(operation, keys, revision) };
      }
      case 'txn':
        return { type: 'txn', ...this.#carryOut(operation, keys, events) };
    }
  }
}

/** A watch that keeps nothing but how far it has read, and looks everything up in the revisions. */
export class NaiveWatch {
  readonly answers: WatchAnswer[] = [];
  failure: CompactedError | undefined;
  #readUpTo: number;
  #waiting = false;
  #cancelled = false;
  #progressAsked = false;
  readonly #database: NaiveDatabase;
  readonly #span: KeySpan;

  constructor(database: NaiveDatabase, { afterRevision, ...span }: WatchRequest) {
    this.#database = database;
    this.#span = span;
    this.#readUpTo = Math.max(1, afterRevision);
  }

  get isWaiting(): boolean {
    return this.#waiting;
  }

  next(): void {
    this.#waiting = true;
    this.serve();
  }

  requestProgress(): void {
    this.#progressAsked = true;
    this.serve();
  }

  cancel(): void {
    if (this.failure === undefined) this.#cancelled = true;
    this.serve();
  }

  /** Answers a waiting `next`, when there is an answer. */
  serve(): void {
    if (!this.#waiting) return;
    const answer = this.failure ?? (this.#cancelled ? 'ended' : (this.#nextChanges() ?? this.#progress()));
    if (answer === undefined) return;
    this.#waiting = false;
    this.answers.push(answer);
  }

  compact(revision: number): void {
    if (this.#cancelled || this.failure !== undefined) return;
    this.serve();
    const unread = this.#find();
    if (unread !== undefined && unread.revision <= revision) {
      this.failure = new CompactedError('too slow', revision + 1);
    }
  }

  #nextChanges(): WatchResponse | undefined {
    const found = this.#find();
    if (found !== undefined) this.#readUpTo = found.revision;
    return found;
  }

  #find(): WatchResponse | undefined {
    for (let revision = this.#readUpTo + 1; revision <= this.#database.revision; revision++) {
      const events = this.#database.revisions[revision]!.events.filter(({ kv }) =>
        inSpan(kv.key, this.#span),
      );
      if (events.length > 0) return { revision, events };
    }
    return undefined;
  }

  #progress(): WatchResponse | undefined {
    if (!this.#progressAsked) return undefined;
    this.#progressAsked = false;
    return { revision: this.#database.revision, events: [] };
  }
}

export function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export function inSpan(key: string, { key: start, rangeEnd }: KeySpan): boolean {
  if (rangeEnd === undefined) return key === start;
  return compareUtf8(key, start) >= 0 && (rangeEnd === '\0' || compareUtf8(key, rangeEnd) < 0);
}

function isEmpty(start: string, rangeEnd: string): boolean {
  return rangeEnd !== '\0' && compareUtf8(start, rangeEnd) >= 0;
}

function sorted(keys: Keys): KeyRecord[] {
  return [...keys.values()].sort((a, b) => compareUtf8(a.key, b.key));
}

function orderIs(operator: '=' | '!=' | '<' | '>', order: number): boolean {
  return { '=': order === 0, '!=': order !== 0, '<': order < 0, '>': order > 0 }[operator];
}

/**
 * An operation that is no transaction, and the way there: its number in the outermost branch, then in turn the
 * branch of that transaction and its number in it.
 */
interface Place {
  readonly operation: Leaf;
  readonly path: readonly number[];
}

function placesIn(branch: readonly Operation[], path: readonly number[] = []): Place[] {
  return branch.flatMap((operation, index) => {
    if (operation.type !== 'txn') return { operation, path: [...path, index] };
    const { success = [], failure = [] } = operation;
    return [success, failure].flatMap((inner, which) => placesIn(inner, [...path, index, which]));
  });
}

function writesTwice(branch: readonly Operation[]): boolean {
  const places = placesIn(branch);
  return places.some((one) => places.some((other) => one !== other && overlap(one, other)));
}

function overlap({ operation: put, path }: Place, { operation: other, path: otherPath }: Place): boolean {
  if (put.type !== 'put' || other.type === 'range') return false;
  const fork = path.findIndex((step, depth) => step !== otherPath[depth]);
  const areAlternatives = fork % 2 === 1;
  if (areAlternatives) return false;
  if (other.type === 'put') return other.key === put.key;
  const bothNested = path.length > fork + 1 && otherPath.length > fork + 1;
  const isOverlooked = bothNested && path[fork]! < otherPath[fork]!;
  return !isOverlooked && other.rangeEnd !== '\0' && inSpan(put.key, other);
}
