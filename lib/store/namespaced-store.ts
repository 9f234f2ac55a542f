import { prefixEnd, TO_LAST_KEY } from './key-span.js';
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
  Store,
  TxnRequest,
  TxnResponse,
  Watch,
  WatchEvent,
  WatchRequest,
  WatchResponse,
} from './store.js';

/**
 * A store whose keys all lie behind a prefix that its users do not see, after etcd's own
 * `clientv3/namespace`. Leases have no keys and pass through.
 */
export class NamespacedStore implements Store {
  readonly #store: Store;
  readonly #namespace: string;

  constructor(store: Store, namespace: string) {
    this.#store = store;
    this.#namespace = namespace;
  }

  async range(request: RangeRequest): Promise<RangeResponse> {
    return this.#rangeOut(await this.#store.range(this.#spanIn(request)));
  }

  async txn({ compare, success, failure }: TxnRequest): Promise<TxnResponse> {
    const response = await this.#store.txn({
      compare: compare?.map((condition): Compare => this.#spanIn(condition)),
      success: success?.map((operation): Operation => this.#spanIn(operation)),
      failure: failure?.map((operation): Operation => this.#spanIn(operation)),
    });
    return { ...response, responses: response.responses.map((part) => this.#responseOut(part)) };
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
      cancel: () => watch.cancel(),
    };
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

  #recordOut(record: KeyRecord): KeyRecord {
    return { ...record, key: record.key.slice(this.#namespace.length) };
  }

  #rangeOut<T extends RangeResponse>(response: T): T {
    return { ...response, kvs: response.kvs.map((record) => this.#recordOut(record)) };
  }

  #responseOut(response: OperationResponse): OperationResponse {
    return response.type === 'range' ? this.#rangeOut(response) : response;
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
