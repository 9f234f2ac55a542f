import type { IWatchResponse } from 'etcd3';
import { announce, watchLostChannel, watchResumedChannel } from '../channels.js';
import { callClock, type CancelTimer, systemClock } from '../clock.js';
import {
  AuthenticationError,
  ClosedError,
  CompactedError,
  type HmEtcdError,
  InvalidArgumentError,
  PermissionDeniedError,
  RequestTimeoutError,
  RevisionOverflowError,
  UnavailableError,
} from '../errors.js';
import { pause } from '../pause.js';
import type { KeySpan, Watch, WatchRequest } from '../store.js';
import { setAnswerTimer } from './answer-timer.js';
import type { Calls } from './calls.js';
import { toNumber } from './codec.js';
import { isStaleToken, lastReason } from './error-table.js';
import type { StoreLogger } from './etcd-store.js';
import type { HistoryGuard } from './history-guard.js';
import type { Member } from './member.js';
import { RangeWatch, type RangeWatchHost, type Reader } from './range-watch.js';
import { Subscription, type SubscriptionHost } from './subscription.js';
import type { TokenSource } from './token.js';
import { WatchStream } from './watch-stream.js';

const CONNECT_MS = 1500;
const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 500;

/** A stream that says nothing to its first request for so long is given up. */
const SILENCE_MS = 1500;

/** How often an idle watch learns how far the store has come, so that compaction does not pass it by. */
const PROGRESS_MS = 10_000;
const PROGRESS_REPEAT_MS = 500;

/** A report may answer a request of before: only watches that were there for that long are meant by it for certain. */
const SETTLED_MS = 2000;

/**
 * All watches of a connection, on one stream. Readers of one range share one watch on the server; who is too far
 * behind for it gets one of its own, until it has caught up.
 */
export class WatchHub implements RangeWatchHost, SubscriptionHost {
  readonly endpoint: string;
  readonly #calls: Calls;
  readonly #tokens: TokenSource;
  readonly #guard: HistoryGuard;
  readonly #logger: StoreLogger;
  readonly #timeoutMs: number;
  readonly #trustsProgress: () => boolean;
  readonly #shared = new Map<string, RangeWatch>();
  readonly #all = new Set<RangeWatch>();
  readonly #subscriptions = new Set<Subscription>();
  /** Without those that have enough to read. */
  readonly #feeds = new Map<Subscription, RangeWatch>();
  readonly #closing = new AbortController();
  #stream: WatchStream | undefined;
  #member: Member | undefined;
  #isConnecting = false;
  /** The present stream has said something; without this, each try of an outage would be told. */
  #hasAnswered = false;
  /** The stream was lost, and no other has said anything yet. */
  #isCutOff = false;
  /** When the server last said something. */
  #heardAt = performance.now();
  #openedAt = -Infinity;
  #backoffMs = 0;
  #lastFailure = 'no stream was tried';
  #progressEligible: readonly RangeWatch[] | undefined;
  #cancelProgress: CancelTimer = () => {};
  #cancelSilence: CancelTimer | undefined;

  /** @param trustsProgress whether a manual progress report of this server may be believed */
  constructor(
    calls: Calls,
    tokens: TokenSource,
    guard: HistoryGuard,
    logger: StoreLogger,
    timeoutMs: number,
    trustsProgress: () => boolean,
  ) {
    this.endpoint = calls.endpoints;
    this.#calls = calls;
    this.#tokens = tokens;
    this.#guard = guard;
    this.#logger = logger;
    this.#timeoutMs = timeoutMs;
    this.#trustsProgress = trustsProgress;
  }

  /** @throws PermissionDeniedError, CompactedError; RequestTimeoutError when no server took the watch in time */
  subscribe({ afterRevision, ...span }: WatchRequest): Promise<Watch> {
    return this.#subscribe(new Subscription(span, afterRevision, this), (subscription) =>
      this.#feed(subscription),
    );
  }

  /** As `subscribe`, with a server watch of its own: one that is shared may have begun long before. */
  subscribeAlone({ afterRevision, ...span }: WatchRequest): Promise<Watch> {
    return this.#subscribe(new Subscription(span, afterRevision, this), (subscription) => {
      const own = new RangeWatch(span, afterRevision, this);
      this.#begin(own);
      return this.#join(own, subscription);
    });
  }

  async #subscribe(
    subscription: Subscription,
    feed: (subscription: Subscription) => RangeWatch,
  ): Promise<Watch> {
    if (this.#closing.signal.aborted) throw new ClosedError('The handle is closed.');
    this.#subscriptions.add(subscription);
    const { whenCreated } = feed(subscription);
    try {
      await this.#inTime(whenCreated);
    } catch (error) {
      subscription.cancel();
      throw error;
    }
    return subscription;
  }

  #join(watch: RangeWatch, subscription: Subscription): RangeWatch {
    this.#feeds.set(subscription, watch);
    watch.join(subscription);
    return watch;
  }

  attach(reader: Reader): void {
    this.#feed(reader as Subscription);
  }

  #feed(subscription: Subscription): RangeWatch {
    const key = keyOf(subscription.span);
    let watch = this.#shared.get(key);
    if (watch === undefined || !watch.canServeFrom(subscription.position)) {
      const own = new RangeWatch(subscription.span, subscription.position, this);
      if (watch === undefined) this.#shared.set(key, own);
      watch = own;
      this.#begin(own);
    }
    return this.#join(watch, subscription);
  }

  detach(subscription: Subscription): void {
    const watch = this.#feeds.get(subscription);
    if (watch === undefined) return;
    this.#feeds.delete(subscription);
    watch.leave(subscription);
    if (watch.readers.size === 0) this.#drop(watch);
  }

  ended(subscription: Subscription): void {
    this.#subscriptions.delete(subscription);
    this.detach(subscription);
  }

  requestProgress(): void {
    this.#askProgress();
  }

  cutOffMs(subscription: Subscription): number | undefined {
    const watch = this.#feeds.get(subscription);
    // A reader that is not fed has enough to read.
    if (watch === undefined) return undefined;
    return this.#stream !== undefined && watch.isCreated ? undefined : performance.now() - this.#heardAt;
  }

  /**
   * For how many milliseconds the watch that has waited longest has been without a stream; undefined while all have one.
   * Other than what a subscription is told, it does not count what was quiet before: nobody need have been missed.
   */
  get longestCutOffMs(): number | undefined {
    let longest: number | undefined;
    for (const { cutOffMs } of this.#all) {
      if (cutOffMs !== undefined) longest = Math.max(longest ?? 0, cutOffMs);
    }
    return longest;
  }

  /** Readers that have caught up go over to the shared watch. */
  advanced(watch: RangeWatch): void {
    this.#guard.saw(watch.position);
    // Its last reader may just have had enough.
    if (!this.#all.has(watch)) return;
    const shared = this.#shared.get(keyOf(watch.span));
    if (shared === undefined) this.#shared.set(keyOf(watch.span), watch);
    if (shared === undefined || shared === watch) return;
    for (const reader of watch.readers) {
      if (!shared.canServeFrom(reader.position)) continue;
      const subscription = reader as Subscription;
      this.detach(subscription);
      this.#join(shared, subscription);
    }
  }

  failed(watch: RangeWatch): void {
    this.#forget(watch);
  }

  explainCancel({
    compact_revision: compactRevision,
    cancel_reason: reason,
  }: IWatchResponse): HmEtcdError | undefined {
    if (compactRevision !== '0') {
      const revision = toNumber(compactRevision);
      return new CompactedError(
        `The store has compacted its history up to ${revision}, and the changes before that with it. Read the present state and go on from there.`,
        revision + 1,
      );
    }
    if (/permission denied/.test(reason)) {
      return new PermissionDeniedError(
        "Watching was refused by etcd: permission denied. Grant the user's role to read the key range.",
      );
    }
    if (/user name is empty/.test(reason)) {
      return new AuthenticationError(
        'Watching was refused by etcd: it asks for a user. Give options.auth, or a client certificate in options.tls.',
      );
    }
    if (/watcher range is empty/.test(reason)) {
      return new InvalidArgumentError('Watching was refused by etcd: no key lies in the range.');
    }
    // The probe on return gets another.
    if (isStaleToken(reason)) {
      this.#restart('its token was refused');
      return undefined;
    }
    return new UnavailableError(`Watching was ended by etcd: ${reason || 'it gave no reason'}.`);
  }

  /** Ends every watch: what they followed is gone. */
  failAll(error: HmEtcdError): void {
    for (const watch of this.#all) {
      watch.end();
      watch.fail(error);
      this.#forget(watch);
    }
    for (const subscription of this.#subscriptions) subscription.fail(error);
  }

  close(): void {
    this.#closing.abort();
    const closed = new ClosedError('The handle is closed.');
    for (const watch of this.#all) watch.giveUp(closed);
    for (const subscription of this.#subscriptions) subscription.cancel();
    this.#cancelProgress();
    this.#endSilence();
    this.#stream?.end();
    this.#stream = undefined;
  }

  #begin(watch: RangeWatch): void {
    this.#all.add(watch);
    if (this.#stream === undefined) this.#connect();
    else this.#beginOn(this.#stream, watch);
  }

  #beginOn(stream: WatchStream, watch: RangeWatch): void {
    watch.begin(stream);
    const giveUp = (): void => this.#restart('it did not answer');
    this.#cancelSilence ??= setAnswerTimer(callClock, SILENCE_MS, giveUp, { background: true });
  }

  #endSilence(): void {
    this.#cancelSilence?.();
    this.#cancelSilence = undefined;
  }

  #drop(watch: RangeWatch): void {
    watch.end();
    this.#forget(watch);
  }

  #forget(watch: RangeWatch): void {
    this.#all.delete(watch);
    const key = keyOf(watch.span);
    if (this.#shared.get(key) === watch) this.#shared.delete(key);
    for (const reader of watch.readers) this.#feeds.delete(reader as Subscription);
  }

  #connect(): void {
    if (this.#isConnecting) return;
    this.#isConnecting = true;
    void this.#untilConnected();
  }

  async #untilConnected(): Promise<void> {
    while (this.#isNeeded) {
      const backoffMs = this.#backoffMs;
      this.#backoffMs = Math.min(Math.max(backoffMs * 2, FIRST_BACKOFF_MS), LONGEST_BACKOFF_MS);
      if (backoffMs > 0) await pause(systemClock, backoffMs, this.#closing.signal);
      try {
        await this.#openStream(this.#calls.nextMember(this.#member));
      } catch (error) {
        this.#lastFailure = lastReason((error as Error).message);
        if (error instanceof RevisionOverflowError) this.failAll(error);
      }
    }
    this.#isConnecting = false;
    // Nobody is left who was cut off: whoever watches next finds no stream that comes back.
    if (this.#stream === undefined) this.#isCutOff = false;
  }

  get #isNeeded(): boolean {
    return !this.#closing.signal.aborted && this.#all.size > 0 && this.#stream === undefined;
  }

  async #openStream(member: Member): Promise<void> {
    const isReturn = this.#member !== undefined;
    this.#member = member;
    await member.settle(CONNECT_MS);
    // What comes back may have another history, where a watch would be silent, and may refuse the token.
    if (isReturn) await this.#calls.presentHeader(member, CONNECT_MS);
    if (!this.#isNeeded) return;
    const token = await this.#tokens.token(member, CONNECT_MS);
    const duplex = await member.stream('Watch', 'watch', token);
    const stream: WatchStream = new WatchStream(duplex, {
      answered: () => this.#answered(),
      progressed: (revision) => this.#progressed(toNumber(revision)),
      overflowed: (error) => this.failAll(error),
      ended: (error) => {
        if (this.#stream === stream) this.#restart(lastReason(error.message));
      },
    });
    if (!this.#isNeeded) return stream.end();
    this.#stream = stream;
    this.#openedAt = performance.now();
    for (const watch of this.#all) this.#beginOn(stream, watch);
    this.#scheduleProgress(PROGRESS_MS);
  }

  #answered(): void {
    if (this.#isCutOff) this.#resumed();
    this.#heardAt = performance.now();
    this.#endSilence();
    this.#hasAnswered = true;
  }

  #resumed(): void {
    this.#isCutOff = false;
    announce(watchResumedChannel, () => ({
      endpoint: this.endpoint,
      member: this.#member!.url,
      cutOffMs: performance.now() - this.#heardAt,
    }));
  }

  #restart(why: string): void {
    this.#lastFailure = why;
    this.#endSilence();
    this.#cancelProgress();
    this.#progressEligible = undefined;
    this.#stream?.end();
    this.#stream = undefined;
    for (const watch of this.#all) watch.cutOff();
    // One that ends as soon as it has said something would otherwise be opened again and again without a pause.
    if (performance.now() - this.#openedAt > LONGEST_BACKOFF_MS) this.#backoffMs = 0;
    if (this.#closing.signal.aborted || this.#all.size === 0) return;
    if (this.#hasAnswered) this.#lost(why);
    this.#hasAnswered = false;
    this.#connect();
  }

  #lost(reason: string): void {
    const member = this.#member!.url;
    this.#isCutOff = true;
    this.#logger.warn(`The watch stream to ${member} ended: ${reason}. Reconnecting.`);
    announce(watchLostChannel, () => ({ endpoint: this.endpoint, member, reason }));
  }

  #scheduleProgress(delayMs: number): void {
    this.#cancelProgress();
    const ask = (): void => this.#askProgress();
    this.#cancelProgress = systemClock.setTimer(delayMs, ask, { background: true });
  }

  /** Asks, and again until it is answered: a server that is catching up drops the request without a word. */
  #askProgress(): void {
    if (this.#stream === undefined || !this.#trustsProgress()) return;
    this.#progressEligible ??= [...this.#all].filter((watch) => watch.isSettled(SETTLED_MS));
    this.#stream.requestProgress();
    this.#scheduleProgress(PROGRESS_REPEAT_MS);
  }

  #progressed(revision: number): void {
    for (const watch of this.#progressEligible ?? []) watch.progressed(revision);
    this.#progressEligible = undefined;
    const isAwaited = [...this.#feeds.keys()].some((subscription) => subscription.awaitsProgress);
    this.#scheduleProgress(isAwaited ? PROGRESS_REPEAT_MS : PROGRESS_MS);
  }

  /** No Promise.race: what it allocates counts when a thousand watches begin at once. */
  #inTime(created: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancelTimer = setAnswerTimer(callClock, this.#timeoutMs, () => reject(this.#unanswered()));
      const settle = (conclude: () => void): void => {
        cancelTimer();
        conclude();
      };
      created.then(
        () => settle(resolve),
        (error: HmEtcdError) => settle(() => reject(error)),
      );
    });
  }

  #unanswered(): RequestTimeoutError {
    return new RequestTimeoutError(
      `Watching was not answered within ${this.#timeoutMs} ms: ${this.#lastFailure}. Check that etcd runs and has a leader, or raise requestTimeoutMs.`,
    );
  }
}

function keyOf({ key, rangeEnd }: KeySpan): string {
  return JSON.stringify([key, rangeEnd]);
}
