import type { CancelTimer, Clock } from '../store/clock.js';
import type { Compare, Store } from '../store/store.js';
import { RunningTasks } from './running-tasks.js';
import type { SessionLease } from './session.js';

const RETRY_MS = 500;

/** A lock's own key: a place in the queue, or the hold. */
export interface QueuePlace {
  readonly key: string;
  readonly lease: SessionLease;
  /** The key's create revision: the place in the queue, and the fencing token of the hold. Unknown until answered. */
  readonly token: number | undefined;
}

/** Deletes lock keys, and stays at it while their lease lives: a forgotten key would hold its lock for ever. */
export class KeyRemoval {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #retries = new Set<CancelTimer>();
  readonly #removals = new RunningTasks();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Deletes the key, guarded by its create revision where that is known: never a later key of the same name.
   *
   * @returns whether it was still there
   * @throws what the store throws; the deletion is then retried until it is confirmed or the lease is over
   */
  remove(place: QueuePlace): Promise<boolean> {
    return this.#removals.track(place.key, this.#remove(place));
  }

  /** Resolves when no removal is under way; those that wait for a retry do not count. */
  idle(): Promise<void> {
    return this.#removals.allDone();
  }

  /** Ends the retries: the lease ends what is left. */
  close(): void {
    for (const cancel of this.#retries) cancel();
    this.#retries.clear();
  }

  async #remove(place: QueuePlace): Promise<boolean> {
    const isOurs: Compare =
      place.token === undefined
        ? { target: 'create', key: place.key, operator: '>', revision: 0 }
        : { target: 'create', key: place.key, operator: '=', revision: place.token };
    try {
      const { succeeded } = await this.#store.txn({
        compare: [isOurs],
        success: [{ type: 'delete', key: place.key }],
        failure: [{ type: 'range', key: place.key, keysOnly: true }],
      });
      return succeeded;
    } catch (error) {
      this.#retryLater(place);
      throw error;
    }
  }

  #retryLater(place: QueuePlace): void {
    if (!place.lease.isLive) return;
    const retry = (): void => {
      this.#retries.delete(cancel);
      this.remove(place).catch(() => {});
    };
    const cancel = this.#clock.setTimer(RETRY_MS, retry, { background: true });
    this.#retries.add(cancel);
  }
}
