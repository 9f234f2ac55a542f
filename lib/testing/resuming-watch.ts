import type { Clock } from '../store/clock.js';
import type { MemoryDatabase } from '../store/memory/database.js';
import type { MemoryWatch } from '../store/memory/memory-watch.js';
import type { KeySpan, Watch, WatchRequest, WatchResponse } from '../store/store.js';
import type { Conditions } from './conditions.js';

/** A watch as the etcd store has them: while it is cut off it is silent, and afterwards it goes on where it was. */
export class ResumingWatch implements Watch {
  readonly #database: MemoryDatabase;
  readonly #clock: Clock;
  readonly #conditions: Conditions;
  readonly #onEnd: (watch: ResumingWatch) => void;
  readonly #span: KeySpan;
  readonly #stopListening: () => void;
  /** Everything of the span up to this revision was handed over before the watch was cut off. */
  #position: number;
  #watch: MemoryWatch | undefined;
  #silentSince: number | undefined;
  #isProgressAwaited = false;
  #isOver = false;
  /** Wakes who waits for the watch to go on. */
  #wake = (): void => {};

  /** @throws InvalidArgumentError when no key lies in the range */
  constructor(
    database: MemoryDatabase,
    { afterRevision, ...span }: WatchRequest,
    clock: Clock,
    conditions: Conditions,
    onEnd: (watch: ResumingWatch) => void,
  ) {
    this.#database = database;
    this.#clock = clock;
    this.#conditions = conditions;
    this.#onEnd = onEnd;
    this.#span = span;
    this.#position = afterRevision;
    this.#goOn();
    this.#stopListening = conditions.onChange(() => this.#follow());
    this.#follow();
  }

  async next(): Promise<WatchResponse | undefined> {
    while (!this.#isOver) {
      const response = await this.#watch?.next();
      if (response !== undefined) {
        if (response.events.length === 0) this.#isProgressAwaited = false;
        return response;
      }
      // It may have been ended just after it was cut off.
      if (this.#watch === undefined && !this.#isOver) await this.#change();
    }
    return undefined;
  }

  requestProgress(): void {
    this.#isProgressAwaited = true;
    this.#watch?.requestProgress();
  }

  get cutOffMs(): number | undefined {
    return this.#silentSince === undefined ? undefined : this.#clock.now() - this.#silentSince;
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopListening();
    this.#watch?.cancel();
    this.#wake();
    this.#onEnd(this);
  }

  #follow(): void {
    if (this.#conditions.areWatchesDown) this.#breakOff();
    else this.#goOn();
  }

  #breakOff(): void {
    const watch = this.#watch;
    // One that has failed has told so, and is not begun again.
    if (watch === undefined || watch.isOver) return;
    this.#silentSince = this.#clock.now();
    this.#position = watch.position;
    this.#watch = undefined;
    watch.cancel();
  }

  #goOn(): void {
    if (this.#watch !== undefined) return;
    const watch = this.#database.watch({ ...this.#span, afterRevision: this.#position });
    this.#watch = watch;
    // What comes next may be gone: then nothing is known from when the watch was cut off on.
    if (!watch.isOver) this.#silentSince = undefined;
    if (this.#isProgressAwaited) watch.requestProgress();
    this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
