import type { Clock } from '../store/clock.js';
import { isHistoryGone, OutcomeUnknownError } from '../store/errors.js';
import { GrowingPause } from '../store/growing-pause.js';
import type { Operation, RangeResponse, Store, Watch, WatchEvent } from '../store/store.js';
import { sentinelKey } from './keys.js';
import type { HmEtcdLogger } from './options.js';
import { thisProcess } from './owner.js';
import { pause } from '../store/pause.js';
import type { Session, SessionLease } from './session.js';
import type { TimeLimit } from './time-limit.js';

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
  readonly #stopped = new AbortController();
  readonly #catchUps: GrowingPause;
  #creation: Creation;
  /** Up to this revision the key's changes are known. */
  #followedTo: number;
  #watch: Watch | undefined;

  constructor(keys: TempKeys, key: string, creation: Creation) {
    this.#keys = keys;
    this.#key = key;
    this.#creation = creation;
    this.#catchUps = new GrowingPause(keys.clock);
    this.#followedTo = creation.revision;
    void this.#stayAlive();
  }

  get creation(): Creation {
    return this.#creation;
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

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  async #stayAlive(): Promise<void> {
    while (!this.#isStopped) {
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
    const watch = await this.#keys.store.watch({ key: this.#key, afterRevision: this.#followedTo });
    this.#watch = watch;
    if (this.#isStopped) watch.cancel();
    try {
      for (let next = await watch.next(); next !== undefined; next = await watch.next()) {
        this.#catchUps.reset();
        const end = next.events.find((event) => this.#isEnd(event));
        if (end !== undefined) return await this.#shouldComeBack(end);
        this.#sawOwn(next.events.at(-1));
        this.#followedTo = next.revision;
      }
      return false;
    } catch (error) {
      if (!isHistoryGone(error)) throw error;
      return await this.#catchUp();
    } finally {
      watch.cancel();
    }
  }

  /** What is written under our own lease is ours; its answer may have been lost. */
  #sawOwn(event: WatchEvent | undefined): void {
    if (event !== undefined) this.#creation = { ...this.#creation, revision: event.kv.modRevision };
  }

  #isEnd({ type, kv }: WatchEvent): boolean {
    return type === 'delete' || kv.lease !== this.#creation.lease.id;
  }

  async #shouldComeBack({ type, kv }: WatchEvent): Promise<boolean> {
    if (type === 'put') return this.#giveUp('another wrote it');
    try {
      const sentinel = { key: sentinelKey(this.#creation.lease.id), revision: kv.modRevision };
      const { kvs } = await this.#keys.store.range({ ...sentinel, keysOnly: true });
      return kvs.length === 0 || this.#giveUp('it was deleted');
    } catch (error) {
      if (!isHistoryGone(error)) throw error;
      return this.#restoreBlindly();
    }
  }

  /** What happened to the key is compacted away: what is there now must tell. */
  async #catchUp(): Promise<boolean> {
    const { revision, kvs } = await this.#keys.store.range({ key: this.#key, keysOnly: true });
    const record = kvs[0];
    if (record === undefined) return this.#restoreBlindly();
    if (record.lease !== this.#creation.lease.id) return this.#giveUp('another wrote it');
    this.#follow({ ...this.#creation, revision: record.modRevision }, revision);
    await this.#catchUps.beforeNextTry(this.#stopped.signal);
    return this.#untilExpired();
  }

  #restoreBlindly(): true {
    this.#keys.logger.warn(
      `The history of the temporary key '${this.#key}' is gone: it comes back, although somebody may have deleted it.`,
    );
    return true;
  }

  async #restore(): Promise<void> {
    await this.#keys.session.withLease(async (lease) => {
      if (this.#isStopped) return;
      const { succeeded, revision, responses } = await this.#keys.store.txn({
        compare: [{ target: 'create', key: this.#key, operator: '=', revision: 0 }],
        success: putUnder(lease, this.#key),
        failure: [{ type: 'range', key: this.#key, keysOnly: true }],
      });
      const found = succeeded ? undefined : (responses[0] as RangeResponse).kvs[0];
      // Under our own lease it is an earlier try whose answer was lost.
      const isOurs = succeeded || found?.lease === lease.id;
      if (isOurs) this.#follow({ lease, revision: found?.modRevision ?? revision }, revision);
      else this.#giveUp('another wrote it');
    });
  }

  #follow(creation: Creation, followedTo: number): void {
    this.#creation = creation;
    this.#followedTo = followedTo;
  }

  #giveUp(why: string): false {
    if (!this.#isStopped) {
      this.stop();
      this.#keys.logger.warn(`The temporary key '${this.#key}' is no longer kept: ${why}.`);
      this.#keys.forget(this.#key, this);
    }
    return false;
  }
}

/** The temporary keys of a handle. */
export class TempKeys {
  readonly store: Store;
  readonly session: Session;
  readonly clock: Clock;
  readonly logger: HmEtcdLogger;
  readonly #owned = new Map<string, TempKey>();
  #isStopped = false;

  constructor(store: Store, session: Session, clock: Clock, logger: HmEtcdLogger) {
    this.store = store;
    this.session = session;
    this.clock = clock;
    this.logger = logger;
  }

  /**
   * Creates the key, or takes it over from whoever owns it.
   *
   * @throws the limit's reason when it ends before the key is asked for; OutcomeUnknownError when it ends after that
   */
  async own(key: string, limit: TimeLimit): Promise<void> {
    const former = this.#owned.get(key);
    // It must not take our own write for another's.
    former?.stop();
    try {
      await this.#ownInTime(key, limit);
    } catch (error) {
      if (former !== undefined && this.#owned.get(key) === former) this.#keep(key, former.creation);
      throw error;
    }
  }

  async #ownInTime(key: string, limit: TimeLimit): Promise<void> {
    let isAsked = false;
    const owning = this.session.withLease(async (lease) => {
      limit.signal.throwIfAborted();
      isAsked = true;
      const { revision } = await this.store.txn({ success: putUnder(lease, key) });
      this.#keep(key, { lease, revision });
    });
    try {
      await limit.wait(owning);
    } catch (error) {
      if (!isAsked || error !== limit.signal.reason) throw error;
      throw new OutcomeUnknownError(
        `The temporary key '${key}' was asked for, but the answer did not come in time: it may have been created. Call tempKey again, or delete it.`,
        { cause: error },
      );
    }
  }

  /** Leaves the keys to their lease, from where nothing brings them back. */
  stop(): void {
    this.#isStopped = true;
    for (const tempKey of this.#owned.values()) tempKey.stop();
  }

  /** Deletes the keys while their lease lives on. */
  deleteAll(): Promise<void>[] {
    return [...this.#owned.values()].map((tempKey) => tempKey.delete());
  }

  forget(key: string, tempKey: TempKey): void {
    if (this.#owned.get(key) === tempKey) this.#owned.delete(key);
  }

  #keep(key: string, creation: Creation): void {
    const known = this.#owned.get(key);
    // Answers may overtake each other; the later write is the one that stands.
    if (this.#isStopped || (known !== undefined && known.creation.revision > creation.revision)) return;
    known?.stop();
    this.#owned.set(key, new TempKey(this, key, creation));
  }
}

function putUnder(lease: SessionLease, key: string): Operation[] {
  return [
    { type: 'put', key, value: OWNER, lease: lease.id },
    { type: 'put', key: sentinelKey(lease.id), value: '', lease: lease.id },
  ];
}
