import type { Clock } from '../store/clock.js';
import { isHistoryGone, RequestTimeoutError } from '../store/errors.js';
import { pause } from '../store/pause.js';
import type { KeySpan, Store, Watch, WatchEvent, WatchResponse } from '../store/store.js';
import { describeError } from './error-text.js';
import { isReserved } from './keys.js';
import type { Snapshot } from './kvi.js';
import type { HmEtcdLogger } from './options.js';
import { readSnapshot } from './snapshot.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/** How long a request for progress may stay unanswered before the present state is read instead. */
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
    if (this.#brokenAt !== undefined) return this.#context.clock.now() - this.#brokenAt;
    return this.#watch?.cutOffMs;
  }

  /**
   * Waits until the follower knows everything that was in the store when this was called.
   *
   * @throws RequestTimeoutError after `requestTimeoutMs`; the signal's reason; what the read throws
   */
  async sync(signal: AbortSignal): Promise<void> {
    const { store, clock, requestTimeoutMs } = this.#context;
    const deadline = clock.now() + requestTimeoutMs;
    const { revision } = await store.range({ key: this.#span.key, keysOnly: true });
    this.#watch?.requestProgress();
    let readAt = clock.now() + READ_AFTER_MS;
    while (this.#follower.revision < revision) {
      signal.throwIfAborted();
      if (clock.now() >= deadline) throw this.#notInTime();
      await this.#step(Math.min(readAt, deadline) - clock.now(), signal);
      if (clock.now() < readAt) continue;
      await this.#lookAt(revision);
      readAt = clock.now() + READ_AFTER_MS;
    }
  }

  /** Ends following. The follower stays at the revision that it has reached. */
  end(): void {
    this.#breakOff(this.#watch);
    this.#ended.abort();
    this.#watch?.cancel();
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
    while (!this.#ended.signal.aborted) {
      try {
        this.#report(error);
        await this.#pauseAfter(error);
        if (isHistoryGone(error)) await this.#readSnapshot();
        return await this.#openWatch();
      } catch (next) {
        error = isHistoryGone(error) ? error : next;
      }
    }
    return undefined;
  }

  async #openWatch(): Promise<Watch> {
    const watch = await this.#context.store.watch({
      ...this.#span,
      afterRevision: this.#follower.revision,
    });
    this.#watch = watch;
    if (this.#ended.signal.aborted) watch.cancel();
    else this.#brokenAt = undefined;
    if (this.#steps.size > 0) watch.requestProgress();
    return watch;
  }

  /** Revision by revision, so that the follower is never between two. */
  #apply({ revision, events }: WatchResponse): void {
    const news = events.filter(({ kv }) => kv.modRevision > this.#follower.revision);
    for (let from = 0; from < news.length;) {
      const { modRevision } = news[from]!.kv;
      const next = news.findIndex(({ kv }) => kv.modRevision > modRevision);
      const to = next === -1 ? news.length : next;
      this.#follower.advance(
        modRevision,
        news.slice(from, to).filter(({ kv }) => !isReserved(kv.key)),
      );
      from = to;
    }
    if (revision > this.#follower.revision) this.#follower.advance(revision, []);
    this.#tellSteps();
  }

  async #readSnapshot(): Promise<void> {
    this.#follower.become(await readSnapshot(this.#context.store, this.#span));
    this.#tellSteps();
  }

  /** For a store that does not tell how far a watch has come: a range that is as it is known has not changed. */
  async #lookAt(revision: number): Promise<void> {
    this.#watch?.requestProgress();
    try {
      const snapshot = await readSnapshot(this.#context.store, this.#span, revision);
      if (this.#follower.revision < revision && this.#follower.equals(snapshot)) {
        this.#follower.advance(revision, []);
      }
    } catch (error) {
      // The watch is told so, too, and takes a new snapshot.
      if (!isHistoryGone(error)) throw error;
    }
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
