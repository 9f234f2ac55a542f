import type { CancelTimer, Clock } from '../store/clock.js';
import { announce } from '../store/channels.js';
import { LeaseNotFoundError, StoreReplacedError } from '../store/errors.js';
import { GrowingPause } from '../store/growing-pause.js';
import type { Lease, LeaseId, Store, WriterSession } from '../store/store.js';
import {
  sessionEndedChannel,
  sessionGrantedChannel,
  sessionLostChannel,
  sessionRenewedChannel,
} from './channels.js';
import { RESERVED_PREFIX } from './keys.js';
import type { SessionHealth } from './kvi.js';
import type { HmEtcdLogger } from './options.js';
import { RunningTasks } from './running-tasks.js';

/** Two of three keep-alives may get lost on the way. */
const KEEP_ALIVES_PER_TTL = 3;

/** How soon after an unanswered keep-alive the next one goes. */
const RETRY_MS = 500;

/** Our deadline comes this long before the store's own, so that the loss is told while the lease still lives. */
function marginMs(ttlSec: number): number {
  return Math.max(500, (ttlSec * 1000) / 10);
}

function deadlineAfter(sentAt: number, ttlSec: number): number {
  return sentAt + ttlSec * 1000 - marginMs(ttlSec);
}

/** By then two keep-alives should have been answered. */
function overdueAfter(sentAt: number, ttlSec: number): number {
  return sentAt + (2 * ttlSec * 1000) / KEEP_ALIVES_PER_TTL;
}

/**
 * A lease that is kept alive. It counts as lost when the store says so, or at a deadline counted from the
 * *sending* of the last keep-alive that was answered: the store counts from its arrival, which is later.
 */
export class SessionLease {
  readonly id: LeaseId;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #onLost = new Set<(why: string) => void>();
  #deadline: number;
  /** From when on the loss is near: two keep-alives in a row were not answered. */
  #overdueAt: number;
  #lossReason: string | undefined;
  #cancelKeepAlive: CancelTimer = () => {};
  #cancelWatchdog: CancelTimer = () => {};

  /** @param sentAt when the grant was asked for, on `clock` */
  constructor(store: Store, clock: Clock, lease: Lease, sentAt: number) {
    this.id = lease.id;
    this.#store = store;
    this.#clock = clock;
    this.#deadline = deadlineAfter(sentAt, lease.ttlSec);
    this.#overdueAt = overdueAfter(sentAt, lease.ttlSec);
    this.#scheduleKeepAlive((lease.ttlSec * 1000) / KEEP_ALIVES_PER_TTL);
    this.#armWatchdog();
  }

  /** Whether the loss was told, without a look at the clock. */
  get isLost(): boolean {
    return this.#lossReason !== undefined;
  }

  /** Looks at the clock: true only while the store cannot have let the lease expire. */
  get isLive(): boolean {
    if (this.#lossReason === undefined && this.#clock.now() >= this.#deadline) {
      this.lose('its lease was not renewed in time');
    }
    return this.#lossReason === undefined;
  }

  get health(): SessionHealth {
    if (!this.isLive) return { state: 'lost' };
    const now = this.#clock.now();
    const lostInMs = Math.round(this.#deadline - now);
    return { state: now < this.#overdueAt ? 'live' : 'at-risk', lostInMs };
  }

  /** Calls `listener` at once when the loss was told already, else when that happens. Answers how to stop listening. */
  onLost(listener: (why: string) => void): () => void {
    if (this.#lossReason !== undefined) {
      listener(this.#lossReason);
      return () => {};
    }
    this.#onLost.add(listener);
    return () => this.#onLost.delete(listener);
  }

  /** Stops the keep-alives and tells the listeners, once. The store lets the lease expire by itself. */
  lose(why: string): void {
    if (this.#lossReason !== undefined) return;
    this.#lossReason = why;
    this.#cancelKeepAlive();
    this.#cancelWatchdog();
    for (const listener of this.#onLost) listener(why);
    this.#onLost.clear();
  }

  #scheduleKeepAlive(delayMs: number): void {
    const run = (): void => void this.#keepAlive();
    this.#cancelKeepAlive = this.#clock.setTimer(delayMs, run, { background: true });
  }

  async #keepAlive(): Promise<void> {
    if (!this.isLive) return;
    const sentAt = this.#clock.now();
    const ttlSec = await this.#store
      .leaseKeepAlive(this.id)
      .catch((error: unknown) => this.#unanswered(error));
    if (!this.isLive) return;
    if (ttlSec === undefined) return this.#scheduleKeepAlive(RETRY_MS);
    if (ttlSec === 0) return this.lose('the store no longer knows its lease');
    this.#tellRenewed(sentAt);
    this.#deadline = deadlineAfter(sentAt, ttlSec);
    this.#overdueAt = overdueAfter(sentAt, ttlSec);
    this.#scheduleKeepAlive((ttlSec * 1000) / KEEP_ALIVES_PER_TTL);
  }

  #tellRenewed(sentAt: number): void {
    announce(sessionRenewedChannel, () => {
      const now = this.#clock.now();
      return {
        ...this.#store.place,
        lease: this.id,
        roundTripMs: now - sentAt,
        leftMs: this.#deadline - now,
      };
    });
  }

  /** What is not answered may still live; a lease of a history that is gone does not. */
  #unanswered(error: unknown): undefined {
    if (error instanceof StoreReplacedError) this.lose('another history stands behind its endpoints');
  }

  #armWatchdog(): void {
    const check = (): void => {
      if (this.isLive) this.#armWatchdog();
    };
    this.#cancelWatchdog = this.#clock.setTimer(this.#deadline - this.#clock.now(), check, {
      background: true,
    });
  }
}

/** The one lease of a handle: taken on first use, and anew after a loss. */
export class Session implements WriterSession {
  /** The records of writes that are done once lie beside what else the library keeps. */
  readonly prefix = RESERVED_PREFIX;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #ttlSec: number;
  readonly #logger: HmEtcdLogger;
  readonly #closing: AbortSignal;
  readonly #uses = new RunningTasks();
  #lease: SessionLease | undefined;
  #granting: Promise<SessionLease> | undefined;
  #isOver = false;

  /** @param closing when it aborts, nothing new is begun under the lease, nor under another one after it */
  constructor(store: Store, clock: Clock, ttlSec: number, logger: HmEtcdLogger, closing: AbortSignal) {
    this.#store = store;
    this.#clock = clock;
    this.#ttlSec = ttlSec;
    this.#logger = logger;
    this.#closing = closing;
  }

  /**
   * Does something under the live lease, which is granted when there is none; and again under a new one when the
   * store turns out not to know the lease. Throws what the grant and `use` throw.
   */
  withLease<T>(use: (lease: SessionLease) => Promise<T>): Promise<T> {
    return this.#uses.track('a use of the lease', this.#underLease(use, new GrowingPause(this.#clock)));
  }

  /**
   * The id of the lease, at once where there is one. Whether it is over is left to the store, which refuses what is
   * recorded under it then.
   *
   * @throws what the grant throws; ClosedError when the session was ended
   */
  lease(): LeaseId | Promise<LeaseId> {
    if (this.#isOver) this.#closing.throwIfAborted();
    return this.#lease?.isLost === false ? this.#lease.id : this.#liveLease().then(({ id }) => id);
  }

  /** The store does not know this lease any more. */
  lost(id: LeaseId): void {
    if (this.#lease?.id === id) this.#lease.lose('the store no longer knows its lease');
  }

  get health(): SessionHealth {
    return this.#lease?.health ?? { state: 'none' };
  }

  /** Resolves when nothing is being done under the lease any more. */
  idle(): Promise<void> {
    return this.#uses.allDone();
  }

  /** Ends the lease, and with it every key under it, at once. */
  async revoke(): Promise<void> {
    const lease = await this.#stop();
    if (lease !== undefined) await this.#store.leaseRevoke(lease.id);
  }

  /** Gives up a lease and everything under it. The store lets it expire where it cannot be told. */
  async discard(lease: SessionLease, why: string): Promise<void> {
    lease.lose(why);
    await this.#store.leaseRevoke(lease.id).catch(() => {});
  }

  /** Ends the keep-alives; the keys live on until the lease expires. */
  async abandon(): Promise<void> {
    await this.#stop();
  }

  async #underLease<T>(use: (lease: SessionLease) => Promise<T>, retries: GrowingPause): Promise<T> {
    // Without this, what close() takes away by ending the lease would come back under another.
    this.#closing.throwIfAborted();
    const lease = await this.#liveLease();
    try {
      return await use(lease);
    } catch (error) {
      if (!(error instanceof LeaseNotFoundError)) throw error;
      lease.lose('the store no longer knows its lease');
      await retries.beforeNextTry(this.#closing);
      return this.#underLease(use, retries);
    }
  }

  async #liveLease(): Promise<SessionLease> {
    if (this.#lease?.isLive) return this.#lease;
    this.#granting ??= this.#grant().finally(() => (this.#granting = undefined));
    return this.#granting;
  }

  async #stop(): Promise<SessionLease | undefined> {
    this.#isOver = true;
    await this.#granting?.catch(() => {});
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease?.isLost === false) {
      announce(sessionEndedChannel, () => ({ ...this.#store.place, lease: lease.id }));
    }
    lease?.lose('the handle was closed');
    return lease;
  }

  async #grant(): Promise<SessionLease> {
    const sentAt = this.#clock.now();
    const granted = await this.#store.leaseGrant(this.#ttlSec);
    const lease = new SessionLease(this.#store, this.#clock, granted, sentAt);
    this.#lease = lease;
    const { place } = this.#store;
    announce(sessionGrantedChannel, () => ({ ...place, lease: granted.id, ttlSec: granted.ttlSec }));
    lease.onLost((reason) => {
      if (this.#lease !== lease) return;
      announce(sessionLostChannel, () => ({ ...place, lease: lease.id, reason }));
      this.#logger.error(
        `The session was lost: ${reason}. Its locks are lost; temporary keys come back under a new lease.`,
      );
    });
    return lease;
  }
}
