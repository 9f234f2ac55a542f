import type { KeySpan, Store, Watch, WatchEvent } from '../store/store.js';
import type { TimeLimit } from './time-limit.js';
import { DELETE, type KeyChange, PUT } from './key-change.js';
import { isReserved, spanOf } from './keys.js';
import type { ChangesOptions, KeyRange } from './kvi.js';

/**
 * The changes of a range from now on, or from a revision. What counts as now is fixed at construction, by a read;
 * the store is watched only from `open` or the first `next` on, so a stream that nobody reads holds nothing.
 */
export class ChangeStream implements AsyncIterableIterator<KeyChange> {
  /** Settles when it is fixed which change will be the first: the one after this revision. */
  readonly ready: Promise<number>;
  readonly #store: Store;
  readonly #span: KeySpan;
  readonly #options: ChangesOptions;
  readonly #closing: AbortSignal;
  readonly #atClose: Set<() => void>;
  readonly #newLimit: () => TimeLimit;
  readonly #changes: AsyncGenerator<KeyChange, undefined>;
  #opening: Promise<Watch> | undefined;
  #returned = false;

  /**
   * @param closing ends the stream without an error
   * @param atClose what is called then; a signal goes through all its listeners for each that it is given
   * @param newLimit begins the time in which the watch must be registered, that of one call
   */
  constructor(
    store: Store,
    range: KeyRange,
    options: ChangesOptions,
    closing: AbortSignal,
    atClose: Set<() => void>,
    newLimit: () => TimeLimit,
  ) {
    this.#store = store;
    this.#span = spanOf(range);
    this.#options = options;
    this.#closing = closing;
    this.#atClose = atClose;
    this.#newLimit = newLimit;
    this.ready =
      options.fromRevision === undefined
        ? store.revision(this.#span.key)
        : Promise.resolve(options.fromRevision - 1);
    this.#changes = this.#follow();
    // Whoever iterates gets the error; without this a stream that nobody reads would end the process.
    this.ready.catch(() => {});
  }

  /** Registers the watch, unless that has been done. Throws what the store throws. */
  open(): Promise<Watch> {
    this.#opening ??= this.#openWatch();
    return this.#opening;
  }

  next(): Promise<IteratorResult<KeyChange, undefined>> {
    return this.#changes.next();
  }

  /** Ends the stream, a pending `next` included. */
  return(): Promise<IteratorResult<KeyChange, undefined>> {
    this.#returned = true;
    this.#endWatch();
    return this.#changes.return(undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #openWatch(): Promise<Watch> {
    const watch = await this.#registerInTime();
    this.#options.signal?.addEventListener('abort', this.#endWatch);
    this.#atClose.add(this.#endWatch);
    if (this.#isOver) watch.cancel();
    return watch;
  }

  /** To learn where it begins and to register it are one call, to whoever waits for both. */
  async #registerInTime(): Promise<Watch> {
    const limit = this.#newLimit();
    const registering = this.ready.then((afterRevision) =>
      this.#store.watch({ ...this.#span, afterRevision }),
    );
    try {
      return await limit.wait(registering);
    } catch (error) {
      registering.then((late) => late.cancel()).catch(() => {});
      throw error;
    } finally {
      limit.end();
    }
  }

  readonly #endWatch = (): void => {
    this.#options.signal?.removeEventListener('abort', this.#endWatch);
    this.#atClose.delete(this.#endWatch);
    this.#opening?.then((watch) => watch.cancel()).catch(() => {});
  };

  async *#follow(): AsyncGenerator<KeyChange, undefined> {
    try {
      this.#options.signal?.throwIfAborted();
      if (this.#isOver) return;
      const watch = await this.#openUnlessOver();
      if (watch === undefined) return;
      let response = await watch.next();
      while (response !== undefined) {
        yield* this.#visible(response.events);
        response = await watch.next();
      }
      this.#options.signal?.throwIfAborted();
    } finally {
      this.#endWatch();
    }
  }

  /** Whoever ends the stream while it opens ends it without an error. */
  async #openUnlessOver(): Promise<Watch | undefined> {
    try {
      return await this.open();
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      if (this.#isOver) return undefined;
      throw error;
    }
  }

  *#visible(events: readonly WatchEvent[]): Generator<KeyChange> {
    for (const event of events) {
      if (this.#isOver) return;
      if (isReserved(event.kv.key)) continue;
      const change = toChange(event, this.#options.prevValue ?? false);
      if (this.#options.op === undefined || change.op === this.#options.op) yield change;
    }
  }

  get #isOver(): boolean {
    return this.#returned || this.#closing.aborted || this.#options.signal?.aborted === true;
  }
}

function toChange({ type, kv, previous }: WatchEvent, withPrevious: boolean): KeyChange {
  const { key, modRevision: revision } = kv;
  const before = withPrevious && previous !== undefined ? { prevValue: previous.value } : {};
  return type === 'put'
    ? { key, revision, op: PUT, value: kv.value, ...before }
    : { key, revision, op: DELETE, value: undefined, ...before };
}
