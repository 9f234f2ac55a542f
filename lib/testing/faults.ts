import { isNativeError } from 'node:util/types';
import { refuse, refuseNumber } from '../kvi/validate.js';
import { UnavailableError } from '../store/errors.js';
import { checkMilliseconds } from './test-clock.js';

/** What is to become of one call. */
export type Disturbance =
  | { readonly type: 'delay'; readonly ms: number }
  | { readonly type: 'failure'; readonly error: Error }
  | { readonly type: 'lost reply' };

interface Order {
  readonly disturbance: Disturbance;
  left: number;
}

/**
 * What is to go wrong: for every handle of a `TestStore` (`store.faults`), or for one (`store.faultsOf(kvi)`). Each shows
 * what etcd would show, in the same errors.
 *
 * The orders for the next calls are carried out one after the other, first those for one handle. Counted is every request
 * of a handle, also those that one call consists of: `lock()` asks for a lease first, and then for a place in the queue.
 * Keep-alives and watches are not counted. Order right before the call that is meant: a handle also looks after its locks
 * by itself.
 *
 * @publicApi
 */
export class Faults {
  readonly #loseLeases: () => Promise<void>;
  readonly #orders: Order[] = [];
  readonly #listeners = new Set<() => void>();
  #isFrozen = false;
  #isCut = false;

  /** @internal */
  constructor(loseLeases: () => Promise<void>) {
    this.#loseLeases = loseLeases;
  }

  /**
   * Nothing is answered any more, as by a server that hangs or behind a network that swallows everything. Calls run into
   * `requestTimeoutMs`: reads end with RequestTimeoutError, and so do writes that had to wait for others; writes that were
   * sent end with OutcomeUnknownError, for nobody can say what became of them (they were not applied, nor will be).
   * Watches are silent. Sessions cannot be renewed: a held lock's `signal` aborts before its lease expires in the store.
   */
  freeze(): void {
    this.#isFrozen = true;
    this.#tell();
  }

  /** Ends {@link freeze}: calls that still have time are answered, and watches go on where they were. */
  thaw(): void {
    this.#isFrozen = false;
    this.#tell();
  }

  /**
   * Watches are silent, and new ones are not begun: those end with RequestTimeoutError. Everything else works. Nothing is
   * lost by that alone: a watch goes on where it was, unless the store was compacted meanwhile ({@link TestStore.compact}).
   */
  cutWatches(): void {
    this.#isCut = true;
    this.#tell();
  }

  /** Ends {@link cutWatches}. */
  restoreWatches(): void {
    this.#isCut = false;
    this.#tell();
  }

  /**
   * The next calls reach the store late. One for which that is too late ends at `requestTimeoutMs` with
   * RequestTimeoutError, and nothing was applied; without `retryableWrites` a write ends with OutcomeUnknownError.
   *
   * @param calls how many; Infinity is until {@link clear}
   * @param ms milliseconds on the store's clock
   * @throws InvalidArgumentError
   */
  delayNext(calls: number, ms: number): void {
    checkMilliseconds('ms', ms);
    this.#order('calls', calls, { type: 'delay', ms });
  }

  /**
   * The next calls fail at once, and nothing of them is applied.
   *
   * @param calls how many; Infinity is until {@link clear}
   * @param error what they throw
   * @throws InvalidArgumentError
   */
  failNext(calls: number, error: Error = unavailable()): void {
    if (!isNativeError(error)) throw refuse('error', 'an Error', error);
    this.#order('calls', calls, { type: 'failure', error });
  }

  /**
   * The next writes are applied, and their replies are lost for good: they end with OutcomeUnknownError. A lock call ends
   * with UnavailableError instead, once its place in the queue has been given up.
   *
   * @param writes how many; other calls are not counted. Infinity is until {@link clear}
   * @throws InvalidArgumentError
   */
  loseReplyOfNext(writes: number): void {
    this.#order('writes', writes, { type: 'lost reply' });
  }

  /**
   * Ends the session in the store, as if its lease had expired: locks and temporary keys are gone, and another may have
   * the lock. Resolves when that has been told: the `signal` of a held lock has aborted, and temporary keys have come
   * back under a new lease. Where watches are cut, both come with the next keep-alive.
   */
  loseLease(): Promise<void> {
    return this.#loseLeases();
  }

  /** Takes back everything that was ordered here: for `afterEach`, and before an application is closed. */
  clear(): void {
    this.#orders.length = 0;
    this.#isFrozen = false;
    this.#isCut = false;
    this.#tell();
  }

  /** @internal */
  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** @internal */
  get areWatchesDown(): boolean {
    return this.#isFrozen || this.#isCut;
  }

  /** @internal What the next call meets. */
  take(isWrite: boolean): Disturbance | undefined {
    const order = this.#orders.find(({ disturbance }) => isWrite || disturbance.type !== 'lost reply');
    if (order === undefined) return undefined;
    if (--order.left === 0) this.#orders.splice(this.#orders.indexOf(order), 1);
    return order.disturbance;
  }

  /** @internal Calls `listener` when something begins or ends. Answers how to stop listening. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #order(argument: string, count: number, disturbance: Disturbance): void {
    if (count !== Infinity && !(Number.isSafeInteger(count) && count > 0)) {
      throw refuseNumber(argument, 'a whole number of 1 or more, or Infinity', count);
    }
    this.#orders.push({ disturbance, left: count });
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function unavailable(): UnavailableError {
  return new UnavailableError(
    'The test store could not be reached: the test has ordered that. Nothing was applied.',
  );
}
