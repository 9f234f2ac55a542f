import type { Clock } from '../store/clock.js';
import { CompactedError } from '../store/errors.js';
import type { Operation, Store, Watch, WatchEvent } from '../store/store.js';
import { sentinelKey } from './keys.js';
import type { HmEtcdLogger } from './options.js';
import { thisProcess } from './owner.js';
import { pause } from './pause.js';
import type { Session, SessionLease } from './session.js';

const RETRY_MS = 500;
const OWNER = JSON.stringify(thisProcess);

/** How a temporary key came to be: under which lease, by which revision. */
interface Creation {
  readonly lease: SessionLease;
  readonly revision: number;
}

/**
 * One temporary key. It comes back when its lease took it away, and only then. A sentinel under the same lease
 * tells the two apart afterwards: all keys of a lease vanish in one revision, so at the revision of the key's
 * deletion the sentinel is there if somebody deleted the key, and gone if the lease did.
 */
class TempKey {
  readonly #key: string;
  readonly #keys: TempKeys;
  #creation: Creation;
  readonly #stopped = new AbortController();
  #watch: Watch | undefined;

  constructor(keys: TempKeys, key: string, creation: Creation) {
    this.#keys = keys;
    this.#key = key;
    this.#creation = creation;
    void this.#stayAlive();
  }

  stop(): void {
    this.#stopped.abort();
    this.#watch?.cancel();
  }

  /** Deletes the key, unless another owns it meanwhile. */
  async delete(): Promise<void> {
    await this.#keys.store.txn({
      compare: [{ target: 'mod', key: this.#key, operator: '=', revision: this.#creation.revision }],
      success: [{ type: 'delete', key: this.#key }],
      failure: [{ type: 'range', key: this.#key, keysOnly: true }],
    });
  }

  async #stayAlive(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        if (!(await this.#untilExpired())) return;
        await this.#restore();
      } catch {
        await pause(this.#keys.clock, RETRY_MS, this.#stopped.signal);
      }
    }
  }

  /** Follows the key to its end. Answers whether that was its lease's end, so that it should come back. */
  async #untilExpired(): Promise<boolean> {
    const { revision } = this.#creation;
    const watch = await this.#keys.store.watch({ key: this.#key, afterRevision: revision });
    this.#watch = watch;
    if (this.#stopped.signal.aborted) watch.cancel();
    try {
      for (let next = await watch.next(); next !== undefined; next = await watch.next()) {
        const end = next.events.find((event) => this.#isEnd(event));
        if (end !== undefined) return await this.#shouldComeBack(end);
      }
      return false;
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      return this.#restoreBlindly();
    } finally {
      watch.cancel();
    }
  }

  #isEnd({ type, kv }: WatchEvent): boolean {
    return type === 'delete' || kv.lease !== this.#creation.lease.id;
  }

  async #shouldComeBack({ type, kv }: WatchEvent): Promise<boolean> {
    if (type === 'put') {
      this.#giveUp('another wrote it');
      return false;
    }
    try {
      const sentinel = { key: sentinelKey(this.#creation.lease.id), revision: kv.modRevision };
      const { kvs } = await this.#keys.store.range({ ...sentinel, keysOnly: true });
      if (kvs.length === 0) return true;
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      return this.#restoreBlindly();
    }
    this.#giveUp('it was deleted');
    return false;
  }

  #restoreBlindly(): true {
    this.#keys.logger.warn(
      `The history of the temporary key '${this.#key}' is compacted: it comes back, although somebody may have deleted it.`,
    );
    return true;
  }

  async #restore(): Promise<void> {
    const creation = await this.#keys.session.withLease(async (lease) => {
      const { succeeded, revision } = await this.#keys.store.txn({
        compare: [{ target: 'create', key: this.#key, operator: '=', revision: 0 }],
        success: putUnder(lease, this.#key),
        failure: [{ type: 'range', key: this.#key, keysOnly: true }],
      });
      return succeeded ? { lease, revision } : undefined;
    });
    if (creation === undefined) this.#giveUp('another wrote it');
    else this.#creation = creation;
  }

  #giveUp(why: string): void {
    this.stop();
    this.#keys.logger.warn(`The temporary key '${this.#key}' is no longer kept: ${why}.`);
    this.#keys.forget(this.#key, this);
  }
}

/** The temporary keys of a handle. */
export class TempKeys {
  readonly store: Store;
  readonly session: Session;
  readonly clock: Clock;
  readonly logger: HmEtcdLogger;
  readonly #owned = new Map<string, TempKey>();

  constructor(store: Store, session: Session, clock: Clock, logger: HmEtcdLogger) {
    this.store = store;
    this.session = session;
    this.clock = clock;
    this.logger = logger;
  }

  /** Creates the key, or takes it over from whoever owns it. */
  async own(key: string): Promise<void> {
    this.#owned.get(key)?.stop();
    this.#owned.delete(key);
    const creation = await this.session.withLease(async (lease) => {
      const { revision } = await this.store.txn({ success: putUnder(lease, key) });
      return { lease, revision };
    });
    this.#owned.get(key)?.stop();
    this.#owned.set(key, new TempKey(this, key, creation));
  }

  /** Leaves the keys to their lease, from where nothing brings them back. */
  stop(): void {
    for (const tempKey of this.#owned.values()) tempKey.stop();
  }

  /** Deletes the keys while their lease lives on. */
  async deleteAll(): Promise<void> {
    await Promise.all([...this.#owned.values()].map((tempKey) => tempKey.delete()));
  }

  forget(key: string, tempKey: TempKey): void {
    if (this.#owned.get(key) === tempKey) this.#owned.delete(key);
  }
}

function putUnder(lease: SessionLease, key: string): Operation[] {
  return [
    { type: 'put', key, value: OWNER, lease: lease.id },
    { type: 'put', key: sentinelKey(lease.id), value: '', lease: lease.id },
  ];
}
