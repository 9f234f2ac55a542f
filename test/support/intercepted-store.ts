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
} from '../../lib/store/store.js';

export type Verb = Exclude<keyof Store, 'place' | 'close' | 'writer'>;

/** Stands in a call's way: it may fail it, delay it, do it and lose the answer, or call `proceed`. */
export type Interceptor = <T>(proceed: () => Promise<T>, request: unknown) => Promise<T>;

/** A store whose calls a test can see and disturb. */
export class InterceptedStore implements Store {
  readonly place: StorePlace;
  readonly calls: { readonly verb: Verb; readonly request: unknown }[] = [];
  readonly #store: Store;
  readonly #interceptors = new Map<Verb, Interceptor>();

  constructor(store: Store) {
    this.place = store.place;
    this.#store = store;
  }

  /** Puts `interceptor` before every call of a verb, until `undefined` takes it away. */
  intercept(verb: Verb, interceptor: Interceptor | undefined): void {
    if (interceptor === undefined) this.#interceptors.delete(verb);
    else this.#interceptors.set(verb, interceptor);
  }

  countOf(verb: Verb): number {
    return this.calls.filter((call) => call.verb === verb).length;
  }

  range(request: RangeRequest): Promise<RangeResponse> {
    return this.#pass('range', request, () => this.#store.range(request));
  }

  revision(key: string): Promise<number> {
    return this.#pass('revision', key, () => this.#store.revision(key));
  }

  txn(request: TxnRequest): Promise<TxnResponse> {
    return this.#pass('txn', request, () => this.#store.txn(request));
  }

  /** To who stands in the way, a write is a txn as any other. */
  writer(session?: WriterSession): Writer {
    const writer = this.#store.writer(session);
    return {
      write: (request, after) => this.#pass('txn', request, () => writer.write(request, after)),
      idle: () => writer.idle(),
    };
  }

  leaseGrant(ttlSec: number): Promise<Lease> {
    return this.#pass('leaseGrant', ttlSec, () => this.#store.leaseGrant(ttlSec));
  }

  leaseKeepAlive(id: LeaseId): Promise<number> {
    return this.#pass('leaseKeepAlive', id, () => this.#store.leaseKeepAlive(id));
  }

  leaseRevoke(id: LeaseId): Promise<void> {
    return this.#pass('leaseRevoke', id, () => this.#store.leaseRevoke(id));
  }

  watch(request: WatchRequest): Promise<Watch> {
    return this.#pass('watch', request, () => this.#store.watch(request));
  }

  health(timeoutMs: number): Promise<StoreHealth> {
    return this.#pass('health', timeoutMs, () => this.#store.health(timeoutMs));
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #pass<T>(verb: Verb, request: unknown, proceed: () => Promise<T>): Promise<T> {
    this.calls.push({ verb, request });
    return this.#interceptors.get(verb)?.(proceed, request) ?? proceed();
  }
}
