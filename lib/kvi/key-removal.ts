import type { CancelTimer, Clock } from '../store/clock.js';
import { LeaseNotFoundError } from '../store/errors.js';
import type { Store, TxnRequest } from '../store/store.js';
import { RunningTasks } from './running-tasks.js';
import type { SessionLease } from './session.js';

const RETRY_MS = 500;

/** One call for a lock, before it is known what became of it. Its key is used by no other. */
export interface Acquisition {
  readonly key: string;
  readonly lease: SessionLease;
  /** While this key is there, the acquisition cannot create its own. */
  readonly tombstone: string;
}

/** A place in a lock's queue that is known to the store: a waiter's, or the hold. */
export interface QueuePlace extends Acquisition {
  /** The key's create revision: the place in the queue, and the fencing token of the hold. */
  readonly token: number;
}

/** Deletes lock keys, and stays at it while their lease lives: a forgotten key would hold its lock for ever. */
export class KeyRemoval {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #onConfirmed: (key: string) => void;
  readonly #retries = new Set<CancelTimer>();
  readonly #removals = new RunningTasks();

  /** @param onConfirmed told of each key that is known to be gone */
  constructor(store: Store, clock: Clock, onConfirmed: (key: string) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#onConfirmed = onConfirmed;
  }

  /**
   * Deletes a place's key, guarded by its create revision: never a later key of the same name.
   *
   * @returns whether it was still there
   * @throws what the store throws; the deletion is then retried until it is confirmed or the lease is over
   */
  remove({ key, lease, token }: Omit<QueuePlace, 'tombstone'>): Promise<boolean> {
    return this.#untilConfirmed(key, lease, {
      compare: [{ target: 'create', key, operator: '=', revision: token }],
      success: [{ type: 'delete', key }],
      failure: [{ type: 'range', key, keysOnly: true }],
    });
  }

  /**
   * Ends an acquisition whose answer was lost. A copy of it may still be on its way, and would create the key after
   * it was deleted, under a lease that lives, held by nobody: the tombstone keeps it from doing so.
   *
   * @throws as `remove`
   */
  async bury({ key, lease, tombstone }: Acquisition): Promise<void> {
    const deletion = { type: 'delete', key } as const;
    try {
      await this.#untilConfirmed(key, lease, {
        success: [{ type: 'put', key: tombstone, value: '', lease: lease.id }, deletion],
      });
    } catch (error) {
      // Where there is no space for a tombstone, a key can still be deleted that was created.
      await this.#store.txn({ success: [deletion] }).catch(() => {});
      throw error;
    }
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

  #untilConfirmed(key: string, lease: SessionLease, request: TxnRequest): Promise<boolean> {
    return this.#removals.track('the removal of a lock key', this.#try(key, lease, request));
  }

  async #try(key: string, lease: SessionLease, request: TxnRequest): Promise<boolean> {
    try {
      const { succeeded } = await this.#store.txn(request);
      this.#onConfirmed(key);
      return succeeded;
    } catch (error) {
      // Its keys went with it, and none can be put under it any more.
      if (error instanceof LeaseNotFoundError) return false;
      this.#retryLater(key, lease, request);
      throw error;
    }
  }

  #retryLater(key: string, lease: SessionLease, request: TxnRequest): void {
    if (!lease.isLive) return;
    const retry = (): void => {
      this.#retries.delete(cancel);
      this.#untilConfirmed(key, lease, request).catch(() => {});
    };
    const cancel = this.#clock.setTimer(RETRY_MS, retry, { background: true });
    this.#retries.add(cancel);
  }
}
