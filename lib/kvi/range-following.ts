import type { Clock } from '../store/clock.js';
import { announce } from '../store/channels.js';
import { ClosedError, isHistoryGone, RequestTimeoutError } from '../store/errors.js';
import { pause } from '../store/pause.js';
import type { KeySpan, Store, Watch, WatchEvent, WatchResponse } from '../store/store.js';
import type { WatchResyncMessage } from './channel-messages.js';
import { resyncReason, watchResyncChannel } from './channels.js';
import { describeError } from './error-text.js';
import { isReserved } from './keys.js';
import type { Snapshot } from './kvi.js';
import type { HmEtcdLogger } from './options.js';
import { readSnapshot } from './snapshot.js';
import { TimeLimit } from './time-limit.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/** How long a request for progress may stay unanswered before the range is read instead. */
const READ_AFTER_MS = 500;

/** Who is led from one revision of a range to the next. */
export interface Follower {
  /** Everything of the range up to here is known to it. */
  readonly revision: number;
  /** Goes to what a snapshot shows, whatever was before. */
  become(snapshot: Snapshot): void;
  /** Goes on to a revision by these events, of one or more whole revisions; by none, where the range stayed as it was. */
  advance(revision: number, events: readonly WatchEvent[]): void;
  /** Whether the range was at the snapshot's revision as it knows it. */
  equals(snapshot: Snapshot): boolean;
}

/** What following needs of the handle it belongs to. */
export interface FollowContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: HmEtcdLogger;
  readonly requestTimeoutMs: number;
}

/**
 * Leads a follower through every revision of a range: a snapshot first, then the changes after it. Where revisions
 * are missing, because they were compacted or another history stands there, a new snapshot takes their place.
 */
export class RangeFollowing {
  readonly #label: string;
  readonly #span: KeySpan;
  readonly #follower: Follower;
  readonly #context: FollowContext;
  readonly #ended = new AbortController();
  /** Who waits for a revision is told of every step. */
  readonly #steps = new Set<() => void>();
  #watch: Watch | undefined;
  /** When the changes broke off, on the clock of the context. */
  #brokenAt: number | undefined;
  #failures = 0;

  /** @param label what is followed, for log lines and errors */
  constructor(label: string, span: KeySpan, follower: Follower, context: FollowContext) {
    this.#label = label;
    this.#span = span;
    this.#follower = follower;
    this.#context = context;
  }

  /** Resolves when the follower has its first snapshot and no later change will be missed. Throws what the store throws. */
  async start(): Promise<void> {
    await this.#readSnapshot();
    const watch = await this.#openWatch();
    void this.#follow(watch);
  }

  /** For how many milliseconds changes may have been made that are not known here; undefined for none. */
  get behindMs(): number | undefined {
    return this.brokenMs ?? this.#watch?.cutOffMs;
  }

  /** For how many milliseconds there has been no watch to follow; undefined while there is one, be it cut off. */
  get brokenMs(): number | undefined {
    return this.#brokenAt === undefined ? undefined : this.#context.clock.now() - this.#brokenAt;
  }

  /**
   * Waits until the follower knows everything that was in the store when this was called.
   *
   * @throws RequestTimeoutError after `requestTimeoutMs`; ClosedError; the signal's reason; what a read throws
   */
  async sync(signal?: AbortSignal): Promise<void> {
    const { clock, requestTimeoutMs } = this.#context;
    const signals = signal === undefined ? [this.#ended.signal] : [this.#ended.signal, signal];
    const limit = new TimeLimit(clock, requestTimeoutMs, () => this.#notInTime(), signals);
    try {
      limit.signal.throwIfAborted();
      await limit.wait(this.#catchUp(limit.signal));
    } finally {
      limit.end();
    }
  }

  /** Ends following. The follower stays at the revision that it has reached. */
  end(): void {
    this.#breakOff(this.#watch);
    this.#ended.abort(new ClosedError(`${this.#label} is closed.`));
    this.#watch?.cancel();
  }

  /** Also out of an outage, or out of another history: where changes are missing, the revision alone says nothing. */
  async #catchUp(signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#context;
    let revision = await store.revision(this.#span.key);
    this.#watch?.requestProgress();
    let readAt = clock.now() + READ_AFTER_MS;
    while (this.behindMs !== undefined || this.#follower.revision < revision) {
      signal.throwIfAborted();
      await this.#step(readAt - clock.now(), signal);
      if (clock.now() < readAt) continue;
      // It only goes back where a restored backup has taken the place of the store that was asked.
      revision = Math.min(revision, await this.#look());
      readAt = clock.now() + READ_AFTER_MS;
    }
  }

  async #follow(firstWatch: Watch): Promise<void> {
    let watch: Watch | undefined = firstWatch;
    while (watch !== undefined) watch = await this.#readToEnd(watch);
  }

  /** Answers the watch to go on with; undefined when following is over. */
  async #readToEnd(watch: Watch): Promise<Watch | undefined> {
    try {
      for (let next = await watch.next(); next !== undefined; next = await watch.next()) {
        this.#failures = 0;
        this.#apply(next);
      }
      this.end();
      return undefined;
    } catch (error) {
      this.#breakOff(watch);
      return this.#reopen(error);
    } finally {
      watch.cancel();
    }
  }

  #breakOff(watch: Watch | undefined): void {
    this.#brokenAt ??= this.#context.clock.now() - (watch?.cutOffMs ?? 0);
  }

  async #reopen(failure: unknown): Promise<Watch | undefined> {
    let error = failure;
    let missed: WatchResyncMessage['reason'] | undefined;
    while (!this.#ended.signal.aborted) {
      this.#report(error);
      await this.#pauseAfter(error);
      if (isHistoryGone(error)) missed ??= resyncReason(error);
      try {
        if (missed === undefined && (await this.#isReplaced())) missed = 'replaced';
        if (missed !== undefined) await this.#readAnew(missed);
        return await this.#openWatch();
      } catch (next) {
        error = next;
      }
    }
    return undefined;
  }

  /** Without a watch, nobody was told that another history has begun; one from the old revision on would be silent. */
  async #isReplaced(): Promise<boolean> {
    return (await this.#context.store.revision(this.#span.key)) < this.#follower.revision;
  }

  async #openWatch(): Promise<Watch> {
    const watch = await this.#context.store.watch({
      ...this.#span,
      afterRevision: this.#follower.revision,
    });
    this.#watch = watch;
    if (this.#ended.signal.aborted) watch.cancel();
    else this.#brokenAt = undefined;
    this.#tellSteps();
    return watch;
  }

  /** Revision by revision, so that the follower is never between two. */
  #apply({ revision, events }: WatchResponse): void {
    const news = events.filter(({ kv }) => kv.modRevision > this.#follower.revision);
    for (let from = 0, to = 0; from < news.length; from = to) {
      const { modRevision } = news[from]!.kv;
      while (news[to]?.kv.modRevision === modRevision) to++;
      this.#advance(
        modRevision,
        news.slice(from, to).filter(({ kv }) => !isReserved(kv.key)),
      );
    }
    if (revision > this.#follower.revision) this.#advance(revision, []);
    this.#tellSteps();
  }

  /** Whoever is told of one revision may end following before the next. */
  #advance(revision: number, events: readonly WatchEvent[]): void {
    if (!this.#ended.signal.aborted) this.#follower.advance(revision, events);
  }

  async #readSnapshot(): Promise<void> {
    const snapshot = await readSnapshot(this.#context.store, this.#span);
    this.#ended.signal.throwIfAborted();
    this.#follower.become(snapshot);
  }

  async #readAnew(reason: WatchResyncMessage['reason']): Promise<void> {
    await this.#readSnapshot();
    const { revision } = this.#follower;
    announce(watchResyncChannel, () => ({ ...this.#context.store.place, ...this.#span, reason, revision }));
  }

  /**
   * For a store that does not tell how far a watch has come: a range that is as it is known has not changed.
   * Answers the store's revision.
   */
  async #look(): Promise<number> {
    this.#watch?.requestProgress();
    const snapshot = await readSnapshot(this.#context.store, this.#span);
    const isNews = this.#follower.revision < snapshot.revision;
    if (isNews && this.#follower.equals(snapshot)) this.#advance(snapshot.revision, []);
    return snapshot.revision;
  }

  #tellSteps(): void {
    for (const tell of this.#steps) tell();
  }

  async #step(ms: number, signal: AbortSignal): Promise<void> {
    const stepped = new AbortController();
    const tell = (): void => stepped.abort();
    this.#steps.add(tell);
    signal.addEventListener('abort', tell);
    await pause(this.#context.clock, ms, stepped.signal);
    signal.removeEventListener('abort', tell);
    this.#steps.delete(tell);
  }

  /** A compaction is over when it is told, so that the first try need not wait. */
  async #pauseAfter(error: unknown): Promise<void> {
    const failures = this.#failures++;
    if (failures === 0 && isHistoryGone(error)) return;
    const ms = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
    await pause(this.#context.clock, ms, this.#ended.signal);
  }

  #report(error: unknown): void {
    const { logger } = this.#context;
    if (isHistoryGone(error)) {
      logger.warn(`${this.#label} missed changes that the store no longer has: it is read anew.`);
    } else {
      logger.warn(`${this.#label} cannot be followed: ${describeError(error)} It is tried again.`);
    }
  }

  #notInTime(): RequestTimeoutError {
    return new RequestTimeoutError(
      `${this.#label} did not catch up within ${this.#context.requestTimeoutMs} ms. See staleSince; try again, or raise requestTimeoutMs.`,
    );
  }
}
