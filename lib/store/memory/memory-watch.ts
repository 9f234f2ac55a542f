import type { CompactedError } from '../errors.js';
import type { KeySpan, Watch, WatchResponse } from '../store.js';
import { WatchLag } from '../watch-lag.js';
import { compacted } from './history.js';

/** Served entries are cut off in blocks of this size: cutting off each by itself would move all others each time. */
const CUT_BLOCK = 1024;

interface PendingNext {
  resolve(response: WatchResponse | undefined): void;
  reject(error: Error): void;
}

/**
 * What one watcher has still to read, which are records that the history holds. Compaction fails a watcher that
 * is so far behind, which bounds what a slow one holds by what the history holds.
 */
export class MemoryWatch implements Watch {
  readonly span: KeySpan;
  readonly cutOffMs = undefined;
  readonly #afterRevision: number;
  readonly #currentRevision: () => number;
  readonly #onEnd: (watch: MemoryWatch) => void;
  readonly #queue: WatchResponse[] = [];
  readonly #lag: WatchLag;
  #served = 0;
  #pending: PendingNext | undefined;
  #progressAsked = false;
  #ended = false;
  #failure: CompactedError | undefined;

  constructor(
    span: KeySpan,
    afterRevision: number,
    endpoint: string,
    currentRevision: () => number,
    onEnd: (watch: MemoryWatch) => void,
  ) {
    this.span = span;
    this.#lag = new WatchLag(endpoint, span);
    this.#afterRevision = afterRevision;
    this.#currentRevision = currentRevision;
    this.#onEnd = onEnd;
  }

  get isOver(): boolean {
    return this.#ended;
  }

  /** Everything of the span up to this revision has been handed over. */
  get position(): number {
    const next = this.#queue[this.#served];
    return Math.max(this.#afterRevision, next === undefined ? this.#currentRevision() : next.revision - 1);
  }

  async next(): Promise<WatchResponse | undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) return undefined;
    const response = this.#takeQueued() ?? this.#takeProgress();
    if (response !== undefined) return response;
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
    });
  }

  requestProgress(): void {
    this.#progressAsked = true;
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    pending.resolve(this.#takeProgress());
  }

  cancel(): void {
    if (this.#ended) return;
    this.#end();
    this.#pending?.resolve(undefined);
  }

  /** Takes in a revision's changes, which must all lie in the span. */
  push(changes: WatchResponse): void {
    if (changes.revision <= this.#afterRevision) return;
    this.#lag.arrived(changes);
    const pending = this.#pending;
    if (pending === undefined) {
      this.#queue.push(changes);
      return;
    }
    this.#pending = undefined;
    this.#lag.taken(changes);
    pending.resolve(changes);
  }

  /** The history up to `revision` is gone; what was handed over before does not matter. */
  compact(revision: number): void {
    const next = this.#queue[this.#served];
    if (next !== undefined && next.revision <= revision) this.fail(compacted(next.revision, revision));
  }

  fail(error: CompactedError): void {
    this.#failure = error;
    this.#end();
    this.#pending?.reject(error);
  }

  #takeQueued(): WatchResponse | undefined {
    const response = this.#queue[this.#served];
    if (response === undefined) return undefined;
    this.#lag.taken(response);
    this.#served++;
    if (this.#served === CUT_BLOCK) {
      this.#queue.splice(0, this.#served);
      this.#served = 0;
    }
    return response;
  }

  #takeProgress(): WatchResponse | undefined {
    if (!this.#progressAsked) return undefined;
    this.#progressAsked = false;
    return { revision: this.#currentRevision(), events: [] };
  }

  #end(): void {
    this.#ended = true;
    this.#queue.length = 0;
    this.#onEnd(this);
  }
}
