import { prefixEnd, TO_LAST_KEY } from './key-span.js';
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
  Store,
  StoreHealth,
  StorePlace,
  TxnRequest,
  TxnResponse,
  Watch,
  WatchEvent,
  WatchRequest,
  WatchResponse,
  Writer,
  WriterSession,
} from './store.js';

/** The store itself where there is no namespace. */
export function inNamespace(store: Store, namespace: string): Store {
  return namespace === '' ? store : new NamespacedStore(store, namespace);
}

/**
 * A store whose keys all lie behind a prefix that its users do not see, after etcd's own
 * `clientv3/namespace`. Leases have no keys and pass through.
 */
export class NamespacedStore implements Store {
  readonly place: StorePlace;
  readonly #store: Store;
  readonly #namespace: string;

  constructor(store: Store, namespace: string) {
    this.place = { ...store.place, namespace: store.place.namespace + namespace };
    this.#store = store;
    this.#namespace = namespace;
  }

  async range(request: RangeRequest): Promise<RangeResponse> {
    return this.#rangeOut(await this.#store.range(this.#spanIn(request)));
  }

  revision(key: string): Promise<number> {
    return this.#store.revision(this.#namespace + key);
  }

  async txn(request: TxnRequest): Promise<TxnResponse> {
    return this.#outcomeOut(await this.#store.txn(this.#txnIn(request)));
  }

  writer(session?: WriterSession): Writer {
    const writer = this.#store.writer(
      session && {
        prefix: this.#namespace + session.prefix,
        lease: () => session.lease(),
        lost: (lease) => session.lost(lease),
      },
    );
    return {
      write: (request, after) => writer.write(this.#txnIn(request), after),
      idle: () => writer.idle(),
    };
  }

  leaseGrant(ttlSec: number): Promise<Lease> {
    return this.#store.leaseGrant(ttlSec);
  }

  leaseKeepAlive(id: LeaseId): Promise<number> {
    return this.#store.leaseKeepAlive(id);
  }

  leaseRevoke(id: LeaseId): Promise<void> {
    return this.#store.leaseRevoke(id);
  }

  async watch(request: WatchRequest): Promise<Watch> {
    const watch = await this.#store.watch(this.#spanIn(request));
    return {
      next: async () => this.#watchOut(await watch.next()),
      requestProgress: () => watch.requestProgress(),
      get cutOffMs() {
        return watch.cutOffMs;
      },
      cancel: () => watch.cancel(),
    };
  }

  health(timeoutMs: number): Promise<StoreHealth> {
    return this.#store.health(timeoutMs);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #spanIn<T extends KeySpan>(request: T): T {
    const key = this.#namespace + request.key;
    if (request.rangeEnd === undefined) return { ...request, key };
    const toLast = request.rangeEnd === TO_LAST_KEY;
    return {
      ...request,
      key,
      rangeEnd: toLast ? prefixEnd(this.#namespace) : this.#namespace + request.rangeEnd,
    };
  }

  #txnIn({ compare, success, failure }: TxnRequest): TxnRequest {
    return {
      compare: compare?.map((condition): Compare => this.#spanIn(condition)),
      success: success?.map((operation) => this.#operationIn(operation)),
      failure: failure?.map((operation) => this.#operationIn(operation)),
    };
  }

  #operationIn(operation: Operation): Operation {
    return operation.type === 'txn' ? { type: 'txn', ...this.#txnIn(operation) } : this.#spanIn(operation);
  }

  #recordOut(record: KeyRecord): KeyRecord {
    return { ...record, key: record.key.slice(this.#namespace.length) };
  }

  #rangeOut<T extends RangeResponse>(response: T): T {
    return { ...response, kvs: response.kvs.map((record) => this.#recordOut(record)) };
  }

  #outcomeOut<T extends Outcome>(outcome: T): T {
    return { ...outcome, responses: outcome.responses.map((response) => this.#responseOut(response)) };
  }

  #responseOut(response: OperationResponse): OperationResponse {
    switch (response.type) {
      case 'range':
        return this.#rangeOut(response);
      case 'txn':
        return this.#outcomeOut(response);
      default:
        return response;
    }
  }

  #watchOut(response: WatchResponse | undefined): WatchResponse | undefined {
    if (response === undefined) return undefined;
    const events = response.events.map(({ type, kv, previous }): WatchEvent => ({
      type,
      kv: this.#recordOut(kv),
      previous: previous && this.#recordOut(previous),
    }));
    return { revision: response.revision, events };
  }
}
