import type { ITxnResponse } from 'etcd3';
import { CompactedError } from '../errors.js';
import type {
  Lease,
  LeaseId,
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
} from '../store.js';
import { Calls } from './calls.js';
import { txnFromWire, txnToWire } from './codec.js';
import { withCompactRevision } from './compact-revision.js';
import { EtcdWriter } from './etcd-writer.js';
import { GroupedReads } from './grouped-reads.js';
import { membersHealth } from './health.js';
import { HistoryGuard } from './history-guard.js';
import { Leases } from './leases.js';
import { Member, type Security } from './member.js';
import { pageCall } from './page-call.js';
import { PresentRevision } from './present-revision.js';
import { Slots } from './slots.js';
import { type Credentials, TokenSource } from './token.js';
import { WatchHub } from './watch-hub.js';
import { wholeRange } from './whole-range.js';
import { SendOnce } from './write-sender.js';

/** Where a store's messages go. */
export interface StoreLogger {
  warn(message: string): void;
}

export interface EtcdStoreOptions extends Security {
  readonly auth?: Credentials;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly logger: StoreLogger;
}

/** The store over etcd: a translation of the port, over etcd3's codec and connection. */
export class EtcdStore implements Store {
  readonly place: StorePlace;
  readonly #members: readonly Member[];
  readonly #calls: Calls;
  readonly #leases: Leases;
  readonly #watches: WatchHub;
  readonly #presentRevision = new PresentRevision(async (key) => {
    const { revision } = await this.#page({ key, keysOnly: true });
    return revision;
  });
  readonly #reads: GroupedReads;
  readonly #timeoutMs: number;
  #trustsProgress = false;

  constructor(urls: readonly string[], options: EtcdStoreOptions) {
    const { auth, requestTimeoutMs, logger } = options;
    this.#timeoutMs = requestTimeoutMs;
    const tokens = new TokenSource(auth);
    const guard = new HistoryGuard((error) => {
      logger.warn(error.message);
      this.#watches.failAll(error);
    });
    this.#members = urls.map((url) => new Member(url, options));
    this.#calls = new Calls(this.#members, tokens, guard, requestTimeoutMs);
    this.place = { endpoint: this.#calls.endpoints, namespace: '' };
    this.#reads = new GroupedReads(this.#calls, requestTimeoutMs);
    this.#leases = new Leases(this.#calls, tokens, guard);
    this.#watches = new WatchHub(
      this.#calls,
      tokens,
      guard,
      logger,
      requestTimeoutMs,
      () => this.#trustsProgress,
    );
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  get calls(): Calls {
    return this.#calls;
  }

  /** Manual progress reports are to be believed; without this they are not asked for. */
  trustProgress(): void {
    this.#trustsProgress = true;
  }

  range(request: RangeRequest): Promise<RangeResponse> {
    if (request.rangeEnd === undefined && request.revision === undefined) return this.#reads.read(request);
    const isOnePage = request.rangeEnd === undefined || request.limit !== undefined || request.oldestFirst;
    const read = isOnePage ? this.#page(request) : wholeRange((page) => this.#page(page), request);
    return read.catch(async (error: unknown) => {
      if (error instanceof CompactedError) throw await withCompactRevision(error, this.#watches, request);
      throw error;
    });
  }

  revision(key: string): Promise<number> {
    return this.#presentRevision.ask(key);
  }

  async txn(request: TxnRequest): Promise<TxnResponse> {
    const operations = [...(request.success ?? []), ...(request.failure ?? [])];
    return this.#calls.run({
      service: 'KV',
      method: 'txn',
      payload: txnToWire(request),
      what: 'A write',
      isRepeatable: operations.every(({ type }) => type === 'range'),
      read: (response: ITxnResponse) => txnFromWire(response, request),
    });
  }

  /** A write that comes to its end has a fifth of its time for finding out what became of it, but no more than 1 s. */
  writer(session?: WriterSession): Writer {
    const reserveMs = Math.min(1000, this.#timeoutMs / 5);
    const sendOnce = new SendOnce(this.#calls);
    const sender = session === undefined ? sendOnce : new Slots(this.#calls, session, reserveMs);
    return new EtcdWriter(
      sender,
      sendOnce,
      this.#calls.endpoints,
      this.#timeoutMs,
      session === undefined ? 0 : reserveMs,
    );
  }

  leaseGrant(ttlSec: number): Promise<Lease> {
    return this.#leases.grant(ttlSec);
  }

  leaseKeepAlive(id: LeaseId): Promise<number> {
    return this.#leases.keepAlive(id);
  }

  leaseRevoke(id: LeaseId): Promise<void> {
    return this.#leases.revoke(id);
  }

  watch(request: WatchRequest): Promise<Watch> {
    return this.#watches.subscribe(request);
  }

  async health(timeoutMs: number): Promise<StoreHealth> {
    const members = await membersHealth(this.#members, this.#calls, timeoutMs);
    return { members, watchesCutOffMs: this.#watches.longestCutOffMs };
  }

  async close(): Promise<void> {
    this.#calls.close();
    this.#watches.close();
    this.#leases.close();
    for (const member of this.#members) member.close();
  }

  #page(request: RangeRequest): Promise<RangeResponse> {
    return this.#calls.run(pageCall(request));
  }
}
