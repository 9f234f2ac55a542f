import { CompactedError, InvalidArgumentError, LeaseNotFoundError } from '../../../lib/store/errors.js';
import type {
  Compare,
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
  WatchEvent,
  WatchRequest,
  WatchResponse,
} from '../../../lib/store/store.js';

type Keys = ReadonlyMap<string, KeyRecord>;

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

  txn({ compare = [], success = [], failure = [] }: TxnRequest): TxnResponse {
    for (const branch of [success, failure]) if (writesTwice(branch)) throw new InvalidArgumentError('twice');
    const succeeded = compare.every((condition) => this.#holds(condition));
    const branch = succeeded ? success : failure;
    for (const operation of branch) this.#check(operation);
    const keys = new Map(this.keys);
    const events: WatchEvent[] = [];
    const responses = branch.map((operation) => this.#apply(operation, keys, events));
    if (events.length > 0) this.revisions.push({ keys, events });
    return { succeeded, revision: this.revision, responses };
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
    const watch = new NaiveWatch(this, request);
    if (request.afterRevision < this.compactRevision) watch.failure = this.#compacted();
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
    const kvs = found.slice(0, request.limit);
    return {
      revision,
      kvs: request.keysOnly ? kvs.map((record) => ({ ...record, value: '' })) : kvs,
      more: kvs.length < found.length,
    };
  }

  #check(operation: Operation): void {
    if (operation.type === 'put' && operation.lease !== undefined && !this.leases.has(operation.lease)) {
      throw new LeaseNotFoundError('not found');
    }
    if (operation.type === 'range') this.#checkRevision(operation.revision);
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
        events.push({ type: 'put', kv, previous });
        return { type: 'put' };
      }
      case 'delete': {
        const gone = sorted(keys).filter(({ key }) => inSpan(key, operation));
        for (const previous of gone) {
          keys.delete(previous.key);
          const kv = { key: previous.key, value: '', createRevision: 0, modRevision, version: 0, lease: '' };
          events.push({ type: 'delete', kv, previous });
        }
        return { type: 'delete', deleted: gone.length };
      }
      case 'range': {
        const revision = events.length > 0 ? modRevision : this.revision;
        return { type: 'range', ...this.#rangeOf(operation, keys, revision) };
      }
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
    this.#readUpTo = afterRevision;
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

function sorted(keys: Keys): KeyRecord[] {
  return [...keys.values()].sort((a, b) => compareUtf8(a.key, b.key));
}

function orderIs(operator: '=' | '!=' | '<' | '>', order: number): boolean {
  return { '=': order === 0, '!=': order !== 0, '<': order < 0, '>': order > 0 }[operator];
}

function writesTwice(branch: readonly Operation[]): boolean {
  return branch.some(
    (put, i) =>
      put.type === 'put' &&
      branch.some((other, j) => {
        if (other.type === 'range' || i === j) return false;
        return other.type === 'put' ? other.key === put.key : inSpan(put.key, other);
      }),
  );
}
