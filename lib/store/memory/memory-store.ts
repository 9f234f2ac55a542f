import { ClosedError } from '../errors.js';
import type {
  Lease,
  LeaseId,
  MemberHealth,
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
} from '../store.js';
import { MemoryDatabase } from './database.js';
import type { MemoryWatch } from './memory-watch.js';

/** One client's connection to a memory database, which goes on when the connection is closed. */
export class MemoryStore implements Store {
  readonly place: StorePlace;
  readonly #database: MemoryDatabase;
  readonly #watches = new Set<MemoryWatch>();
  #closed = false;

  constructor(database: MemoryDatabase) {
    this.place = { endpoint: database.endpoint, namespace: '' };
    this.#database = database;
  }

  async range(request: RangeRequest): Promise<RangeResponse> {
    this.#checkOpen();
    return this.#database.range(request);
  }

  async revision(key: string): Promise<number> {
    return (await this.range({ key, keysOnly: true })).revision;
  }

  async txn(request: TxnRequest): Promise<TxnResponse> {
    this.#checkOpen();
    return this.#database.txn(request);
  }

  /** Here no answer is ever lost. */
  writer(): Writer {
    return {
      write: (request, after) => {
        const write = (): Promise<TxnResponse> => this.txn(request);
        return after === undefined ? write() : after.then(write, write);
      },
      idle: () => Promise.resolve(),
    };
  }

  async leaseGrant(ttlSec: number): Promise<Lease> {
    this.#checkOpen();
    return this.#database.leaseGrant(ttlSec);
  }

  async leaseKeepAlive(id: LeaseId): Promise<number> {
    this.#checkOpen();
    return this.#database.leaseKeepAlive(id);
  }

  async leaseRevoke(id: LeaseId): Promise<void> {
    this.#checkOpen();
    this.#database.leaseRevoke(id);
  }

  async watch(request: WatchRequest): Promise<Watch> {
    this.#checkOpen();
    const watch = this.#database.watch(request, (ended) => this.#watches.delete(ended));
    if (!watch.isOver) this.#watches.add(watch);
    return watch;
  }

  /** Nothing can happen to it but to be closed. */
  async health(): Promise<StoreHealth> {
    const isOpen = !this.#closed;
    const member: MemberHealth = {
      endpoint: this.place.endpoint,
      isReachable: isOpen,
      hasLeader: isOpen,
      read: isOpen ? 'answered' : 'unanswered',
      alarms: [],
      failure: isOpen ? undefined : 'the connection is closed',
    };
    return { members: [member], watchesCutOffMs: undefined };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const watch of this.#watches) watch.cancel();
  }

  #checkOpen(): void {
    if (this.#closed) throw new ClosedError('The connection to the memory store is closed.');
  }
}

const databases = new Map<string, MemoryDatabase>();

/** The database of `mem:NAME`: made on first use, one for each name in this process, there until the process ends. */
export function memoryDatabase(name: string): MemoryDatabase {
  const known = databases.get(name);
  if (known !== undefined) return known;
  const database = new MemoryDatabase({ endpoint: `mem:${name}` });
  databases.set(name, database);
  return database;
}
