import type { Clock } from '../store/clock.js';
import type { Store, Watch } from '../store/store.js';
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
  readonly #cancelled = new AbortController();
  #watch: Watch | undefined;

  constructor(store: Store, clock: Clock, key: string, createRevision: number, afterRevision: number) {
    this.#store = store;
    this.#clock = clock;
    this.#key = key;
    this.#createRevision = createRevision;
    this.ended = this.#untilGone(afterRevision);
  }

  cancel(): void {
    // Without a reason Node makes one, with a stack, for each lock that is released.
    this.#cancelled.abort('cancelled');
    this.#watch?.cancel();
  }

  async #untilGone(startRevision: number): Promise<void> {
    let afterRevision: number | undefined = startRevision;
    while (afterRevision !== undefined && !this.#cancelled.signal.aborted) {
      try {
        await this.#untilDeleteSeen(afterRevision);
        return;
      } catch {
        await pause(this.#clock, RETRY_MS, this.#cancelled.signal);
        afterRevision = await this.#revisionIfThere(afterRevision);
      }
    }
  }

  async #untilDeleteSeen(afterRevision: number): Promise<void> {
    const watch = await this.#store.watch({ key: this.#key, afterRevision });
    this.#watch = watch;
    if (this.#cancelled.signal.aborted) watch.cancel();
    try {
      let response = await watch.next();
      while (response !== undefined && !response.events.some((event) => event.type === 'delete')) {
        response = await watch.next();
      }
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
