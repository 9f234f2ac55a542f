import type { Clock } from '../store/clock.js';
import { ClosedError } from '../store/errors.js';
import type { MemoryDatabase } from '../store/memory/database.js';
import { MemoryStore } from '../store/memory/memory-store.js';
import type {
  Lease,
  LeaseId,
  MemberHealth,
  Operation,
  RangeRequest,
  RangeResponse,
  Store,
  StoreHealth,
  StorePlace,
  TxnRequest,
  TxnResponse,
  Watch,
  WatchRequest,
  Writer,
  WriterSession,
} from '../store/store.js';
import type { Conditions } from './conditions.js';
import { DisturbedCalls } from './disturbed-calls.js';
import { DisturbedWriter } from './disturbed-writer.js';
import { ResumingWatch } from './resuming-watch.js';

/** The etcd store waits no longer for these, whatever `requestTimeoutMs` is. */
const KEEP_ALIVE_MS = 1500;
const REVOKE_MS = 1000;

/** One connection to a memory database over which things go wrong, and which then does as the etcd store does. */
export class DisturbedStore implements Store {
  readonly place: StorePlace;
  readonly #database: MemoryDatabase;
  readonly #store: MemoryStore;
  readonly #clock: Clock;
  readonly #conditions: Conditions;
  readonly #calls: DisturbedCalls;
  readonly #leases = new Set<LeaseId>();
  readonly #watches = new Set<ResumingWatch>();
  readonly #closing = new AbortController();

  constructor(database: MemoryDatabase, clock: Clock, conditions: Conditions, timeoutMs: number) {
    this.#database = database;
    this.#store = new MemoryStore(database);
    this.place = this.#store.place;
    this.#clock = clock;
    this.#conditions = conditions;
    this.#calls = new DisturbedCalls(conditions, clock, timeoutMs, this.#closing.signal);
  }

  range(request: RangeRequest): Promise<RangeResponse> {
    return this.#calls.run({
      what: 'Reading',
      kind: 'repeatable',
      perform: () => this.#store.range(request),
    });
  }

  revision(key: string): Promise<number> {
    return this.#calls.run({ what: 'Reading', kind: 'repeatable', perform: () => this.#store.revision(key) });
  }

  txn(request: TxnRequest): Promise<TxnResponse> {
    return this.#calls.run({
      what: 'A write',
      kind: writes(request) ? 'write' : 'repeatable',
      perform: () => this.#store.txn(request),
    });
  }

  writer(session?: WriterSession): Writer {
    const isRecorded = session !== undefined;
    return new DisturbedWriter(this.#calls, this.#conditions, isRecorded, (request) =>
      this.#store.txn(request),
    );
  }

  async leaseGrant(ttlSec: number): Promise<Lease> {
    const lease = await this.#calls.run({
      what: 'Granting a lease',
      kind: 'repeatable',
      perform: () => this.#store.leaseGrant(ttlSec),
    });
    this.#leases.add(lease.id);
    return lease;
  }

  leaseKeepAlive(id: LeaseId): Promise<number> {
    return this.#calls.run({
      what: 'Keeping a lease alive',
      kind: 'upkeep',
      timeoutMs: KEEP_ALIVE_MS,
      perform: () => this.#store.leaseKeepAlive(id),
    });
  }

  leaseRevoke(id: LeaseId): Promise<void> {
    return this.#calls.run({
      what: 'Revoking a lease',
      kind: 'upkeep',
      timeoutMs: REVOKE_MS,
      perform: () => this.#store.leaseRevoke(id),
    });
  }

  watch(request: WatchRequest): Promise<Watch> {
    return this.#calls.run({
      what: 'Watching',
      kind: 'watch',
      perform: async () => this.#openWatch(request),
    });
  }

  async health(timeoutMs: number): Promise<StoreHealth> {
    const { members } = await this.#store.health();
    const isAnswered = await this.#isAnswering(timeoutMs);
    const cutOffMs = [...this.#watches].flatMap((watch) => watch.cutOffMs ?? []);
    return {
      members: isAnswered ? members : members.map((member) => unreachable(member, timeoutMs)),
      watchesCutOffMs: cutOffMs.length === 0 ? undefined : Math.max(...cutOffMs),
    };
  }

  async close(): Promise<void> {
    this.#closing.abort(new ClosedError('The connection to the test store is closed.'));
    for (const watch of this.#watches) watch.cancel();
    await this.#store.close();
  }

  /** Ends in the database what was granted here, whatever is in the way of calls. */
  loseLeases(): void {
    for (const id of this.#leases) this.#database.leaseRevoke(id);
    this.#leases.clear();
  }

  #isAnswering(timeoutMs: number): Promise<boolean> {
    const check = this.#calls.run({
      what: 'A check of health',
      kind: 'upkeep',
      timeoutMs,
      perform: () => Promise.resolve(),
    });
    return check.then(
      () => true,
      () => false,
    );
  }

  #openWatch(request: WatchRequest): ResumingWatch {
    this.#closing.signal.throwIfAborted();
    const watch = new ResumingWatch(this.#database, request, this.#clock, this.#conditions, (ended) =>
      this.#watches.delete(ended),
    );
    this.#watches.add(watch);
    return watch;
  }
}

/** A frozen store says nothing, as a server behind a dead link. */
function unreachable(member: MemberHealth, timeoutMs: number): MemberHealth {
  return {
    ...member,
    isReachable: false,
    hasLeader: undefined,
    read: 'unanswered',
    failure: `no answer within ${Math.round(timeoutMs)} ms`,
  };
}

function writes({ success = [], failure = [] }: TxnRequest): boolean {
  const isWrite = (operation: Operation): boolean =>
    operation.type === 'txn' ? writes(operation) : operation.type !== 'range';
  return success.some(isWrite) || failure.some(isWrite);
}
