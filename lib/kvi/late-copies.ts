import type { CancelTimer, Clock } from '../store/clock.js';
import { prefixSpan } from '../store/key-span.js';
import type { KeyRecord, Operation, RangeResponse, Store } from '../store/store.js';
import type { Acquisition, KeyRemoval } from './key-removal.js';
import { isQueueKey, lockPrefix } from './keys.js';
import type { HmEtcdLogger } from './options.js';
import type { SessionLease } from './session.js';

const LOOK_EVERY_MS = 5000;

/** A lock is looked at so often after its last use: what repeats requests by itself does so within seconds. */
const LOOKS = 6;

/** More locks than these are not remembered: the looks must not be a load beside the locks themselves. */
const MOST_NAMES = 1000;

/** Servers may allow fewer operations in a txn than etcd does by default. */
const NAMES_OF_REQUEST = 32;

/** The oldest ones: it is they who keep the others waiting. */
const KEYS_OF_NAME = 16;

/**
 * Removes lock keys that come back. What stands between client and server may send a request a second time by itself,
 * as a service mesh does. When that copy of an acquisition arrives after the end of the first, it creates the key again,
 * under a lease that lives, held by nobody. A tombstone for each acquisition would prevent it, at the price of another
 * put in every cycle of a lock; so the locks that were used are looked at for a while instead, in the background.
 */
export class LateCopies {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #logger: HmEtcdLogger;
  readonly #removal: KeyRemoval;
  /** Under which all these keys are. With it goes what late copies have created. */
  #lease: SessionLease | undefined;
  /** The keys that acquisitions, holds and removals are about, with the names of their locks. */
  readonly #inUse = new Map<string, string>();
  /** How many looks there had been when a lock was last done with. The one that has waited longest comes first. */
  readonly #names = new Map<string, number>();
  #looks = 0;
  #cancelLook: CancelTimer | undefined;
  #isClosed = false;

  constructor(store: Store, clock: Clock, logger: HmEtcdLogger, removal: KeyRemoval) {
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
    this.#removal = removal;
  }

  /** The key is in use from now on: its acquisition is about to be sent. */
  begin(name: string, { key, lease }: Acquisition): void {
    if (lease !== this.#lease) this.#startOver(lease);
    this.#inUse.set(key, name);
  }

  /** The store has refused the acquisition, and would refuse a copy of it. */
  refused(key: string): void {
    this.#inUse.delete(key);
  }

  /** The acquisition is over, and its key is known to be gone. */
  end(key: string): void {
    const name = this.#inUse.get(key);
    if (name === undefined) return;
    this.#inUse.delete(key);
    if (this.#names.get(name) === this.#looks) return;
    this.#names.delete(name);
    this.#names.set(name, this.#looks);
    if (this.#names.size > MOST_NAMES) this.#names.delete(this.#names.keys().next().value!);
    this.#lookLater();
  }

  /** Ends the looks: the lease ends what is left. */
  close(): void {
    this.#isClosed = true;
    this.#cancelLook?.();
  }

  #startOver(lease: SessionLease): void {
    this.#lease = lease;
    this.#inUse.clear();
    this.#names.clear();
  }

  #lookLater(): void {
    if (this.#isClosed || this.#cancelLook !== undefined) return;
    this.#cancelLook = this.#clock.setTimer(LOOK_EVERY_MS, () => void this.#look(), { background: true });
  }

  async #look(): Promise<void> {
    const lease = this.#lease!;
    const names = [...this.#names.keys()];
    this.#looks += 1;
    for (let at = 0; at < names.length; at += NAMES_OF_REQUEST) {
      // What could not be read is looked at again.
      await this.#lookAt(names.slice(at, at + NAMES_OF_REQUEST), lease).catch(() => {});
    }
    this.#cancelLook = undefined;
    if (this.#names.size > 0) this.#lookLater();
  }

  async #lookAt(names: readonly string[], lease: SessionLease): Promise<void> {
    if (!this.#isAbout(lease)) return;
    const { responses } = await this.#store.txn({ success: names.map((name) => oldestOf(name, lease)) });
    if (!this.#isAbout(lease)) return;
    for (const [at, name] of names.entries()) {
      for (const record of (responses[at] as RangeResponse).kvs) await this.#removeLate(name, record, lease);
      this.#forgetAfterLastLook(name);
    }
  }

  async #removeLate(name: string, record: KeyRecord, lease: SessionLease): Promise<void> {
    const { key, createRevision: token } = record;
    if (this.#inUse.has(key) || record.lease !== lease.id || !isQueueKey(name, record)) return;
    // One that was released while it was read is not there any more.
    if (!(await this.#removal.remove({ key, lease, token }))) return;
    this.#logger.warn(
      `The lock '${name}' was held by nobody and has been freed: a second copy of a lock call that was over had created its key '${key}' again. ` +
        `Something between this program and the store repeats requests: look for a proxy or a service mesh that retries by itself, and turn that off for the store's endpoints.`,
    );
  }

  #forgetAfterLastLook(name: string): void {
    const before = this.#names.get(name);
    if (before !== undefined && this.#looks - before >= LOOKS) this.#names.delete(name);
  }

  #isAbout(lease: SessionLease): boolean {
    return !this.#isClosed && lease === this.#lease && lease.isLive;
  }
}

function oldestOf(name: string, lease: SessionLease): Operation {
  const span = prefixSpan(`${lockPrefix(name)}${lease.id}-`);
  return { type: 'range', ...span, keysOnly: true, oldestFirst: true, limit: KEYS_OF_NAME };
}
