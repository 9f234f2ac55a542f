import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { Clock } from '../store/clock.js';
import type { KeyRecord, Store, Watch } from '../store/store.js';
import { pause } from '../store/pause.js';

const RETRY_MS = 500;

/** Tells once that a key, as created at one revision, has gone. A watch that fails is replaced by a look and a new one. */
export class DeletionWatch {
  /** Resolves at the deletion, or at `cancel`. Never rejects. */
  readonly ended: Promise<void>;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #key: string;
  readonly #createRevision: number;
  #watch: Watch | undefined;
  /** Ends the pause before a retry. */
  #retry: AbortController | undefined;
  #hasFailed = false;
  #isOver = false;
  #hasSeenDeletion = false;

  constructor(store: Store, clock: Clock, key: string, createRevision: number, afterRevision: number) {
    this.#store = store;
    this.#clock = clock;
    this.#key = key;
    this.#createRevision = createRevision;
    this.ended = this.#untilGone(afterRevision);
  }

  /** The key has gone, or the watch was cancelled: `ended` is about to tell. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * The deletion was told by a watch that had not failed since it began, so it stands in the history that was read there.
   * A look that finds no key does not say so: behind the store there may be another history by then.
   */
  get hasSeenDeletion(): boolean {
    return this.#hasSeenDeletion;
  }

  isOf({ key, createRevision }: KeyRecord): boolean {
    return key === this.#key && createRevision === this.#createRevision;
  }

  cancel(): void {
    this.#isOver = true;
    this.#retry?.abort();
    this.#watch?.cancel();
  }

  async #untilGone(startRevision: number): Promise<void> {
    // The grant of a lock goes first; and one that is released at once needs no watch.
    await endOfTurn();
    let afterRevision: number | undefined = startRevision;
    while (afterRevision !== undefined && !this.#isOver) {
      try {
        await this.#untilDeleteSeen(afterRevision);
        return;
      } catch {
        this.#hasFailed = true;
        this.#retry = new AbortController();
        if (!this.#isOver) await pause(this.#clock, RETRY_MS, this.#retry.signal);
        afterRevision = await this.#revisionIfThere(afterRevision);
      }
    }
    this.#isOver = true;
  }

  async #untilDeleteSeen(afterRevision: number): Promise<void> {
    const watch = await this.#store.watch({ key: this.#key, afterRevision });
    this.#watch = watch;
    if (this.#isOver) watch.cancel();
    try {
      let response = await watch.next();
      while (response !== undefined && !response.events.some((event) => event.type === 'delete')) {
        response = await watch.next();
      }
      this.#isOver = true;
      this.#hasSeenDeletion = response !== undefined && !this.#hasFailed;
    } finally {
      watch.cancel();
    }
  }

  /** Where to watch on from; undefined when the key has gone. Where nothing can be read, the place stays. */
  async #revisionIfThere(afterRevision: number): Promise<number | undefined> {
    try {
      const { revision, kvs } = await this.#store.range({ key: this.#key, keysOnly: true });
      return kvs[0]?.createRevision === this.#createRevision ? revision : undefined;
    } catch {
      return afterRevision;
    }
  }
}
