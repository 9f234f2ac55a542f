import { afterEach, beforeEach } from '@jest/globals';
import type { Kvi } from '../../lib/kvi/kvi.js';
import type { KviOptions } from '../../lib/kvi/options.js';
import { prefixSpan } from '../../lib/store/key-span.js';
import type { KeyRecord, Store } from '../../lib/store/store.js';
import { RecordingLogger } from '../support/recording-logger.js';

/** A kind of store that the contract is run over. */
export interface Backend {
  readonly name: string;
  /** An empty place of its own for one test. */
  create(): Promise<Place>;
}

export interface Place {
  /** As the store names itself. */
  readonly endpoint: string;
  /** A handle; each call gives one of its own. */
  open(options: KviOptions): Promise<Kvi>;
  /** The same place as another program sees it, without a Kvi in between. */
  readonly store: Store;
  dispose(): Promise<void>;
}

/** What each test of the contract works with: a fresh place, and handles that are closed afterwards. */
export class Fixture {
  logger = new RecordingLogger();
  readonly #backend: Backend;
  #place: Place | undefined;
  readonly #handles: Kvi[] = [];

  constructor(backend: Backend) {
    this.#backend = backend;
    beforeEach(async () => {
      this.logger = new RecordingLogger();
      this.#place = await backend.create();
    });
    afterEach(async () => {
      await Promise.all(this.#handles.splice(0).map((kvi) => kvi.close()));
      await this.#place!.dispose();
    });
  }

  get name(): string {
    return this.#backend.name;
  }

  get endpoint(): string {
    return this.#place!.endpoint;
  }

  /** Another program on the same store. */
  get foreign(): Store {
    return this.#place!.store;
  }

  /** A handle; each call gives one of its own. */
  async open(options: KviOptions = {}): Promise<Kvi> {
    const kvi = await this.#place!.open({ logger: this.logger, ...options });
    this.#handles.push(kvi);
    return kvi;
  }

  async openSeveral(count: number): Promise<Kvi[]> {
    return Promise.all(Array.from({ length: count }, () => this.open()));
  }

  /** The keys below a lock's prefix, the oldest first. */
  async queue(name: string): Promise<readonly KeyRecord[]> {
    const { kvs } = await this.foreign.range({ ...prefixSpan(`${name}/`), oldestFirst: true });
    return kvs;
  }

  /** Resolves once exactly `count` keys stand in a lock's queue. */
  async queueOf(name: string, count: number): Promise<readonly KeyRecord[]> {
    const { revision, kvs } = await this.foreign.range({ ...prefixSpan(`${name}/`), oldestFirst: true });
    if (kvs.length === count) return kvs;
    const watch = await this.foreign.watch({ ...prefixSpan(`${name}/`), afterRevision: revision });
    try {
      for (;;) {
        await watch.next();
        const queue = await this.queue(name);
        if (queue.length === count) return queue;
      }
    } finally {
      watch.cancel();
    }
  }

  /** Ends the session behind a lock, as its expiry would. */
  async revokeLeaseOf(key: string): Promise<void> {
    const { kvs } = await this.foreign.range({ key });
    await this.foreign.leaseRevoke(kvs[0]!.lease);
  }
}

/** Every key of the store, the library's own included. */
export async function allKeys(store: Store): Promise<string[]> {
  const { kvs } = await store.range(prefixSpan(''));
  return kvs.map(({ key }) => key);
}

/** A promise and the function that resolves it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let openGate = (): void => {};
  const opened = new Promise<void>((resolve) => {
    openGate = resolve;
  });
  return { opened, open: openGate };
}

/** Resolves when a signal has aborted, with its reason. */
export function aborted(signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return Promise.resolve(signal.reason);
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });
}

/** What a promise rejects with; watched from now on, so that it may reject before it is looked at. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('did not reject');
}
