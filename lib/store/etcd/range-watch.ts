import type { IWatchResponse } from 'etcd3';
import { CompactedError, type HmEtcdError } from '../errors.js';
import type { KeySpan, WatchResponse } from '../store.js';
import { weightOf } from '../weight.js';
import { eventFromWire, toNumber } from './codec.js';
import type { WatchListener, WatchStream } from './watch-stream.js';

/** How many responses are kept for those who join, who may be a little behind. */
const REPLAY_LIMIT = 256;

/** How much of them, in characters of keys and values: one of a catch-up may hold a thousand revisions. */
const REPLAY_WEIGHT = 1024 * 1024;

/** Who is handed what a watch sees. */
export interface Reader {
  /** Everything of the span up to this revision has been offered to it. */
  readonly position: number;
  offer(response: WatchResponse): void;
  fail(error: HmEtcdError): void;
}

/** What a range watch asks of the hub that it belongs to. */
export interface RangeWatchHost {
  /** What a cancellation by the server means; undefined: begin the watch again on a new stream. */
  explainCancel(response: IWatchResponse): HmEtcdError | undefined;
  /** The watch has handed something over. */
  advanced(watch: RangeWatch): void;
  /** Feeds a reader from its position on, by another watch. */
  attach(reader: Reader): void;
  /** The server ended the watch for good. */
  failed(watch: RangeWatch): void;
}

/**
 * One watch on the server, with any number of readers. It is begun again on each new stream *at* the last revision
 * that was completely received, and what is not above that is discarded: to begin one revision later could lose a
 * deletion without a word.
 */
export class RangeWatch implements WatchListener {
  readonly span: KeySpan;
  readonly #host: RangeWatchHost;
  readonly #readers = new Set<Reader>();
  readonly #replay: WatchResponse[] = [];
  readonly #whenCreated: Promise<void>;
  #resolveCreated = (): void => {};
  #rejectCreated = (_error: Error): void => {};
  #stream: WatchStream | undefined;
  #createdAt: number | undefined;
  #cutOffAt: number | undefined;
  #replayWeight = 0;
  #position: number;
  #floor: number;

  /** @param afterRevision it delivers what lies above */
  constructor(span: KeySpan, afterRevision: number, host: RangeWatchHost) {
    this.span = span;
    this.#host = host;
    this.#position = afterRevision;
    this.#floor = afterRevision;
    this.#whenCreated = new Promise((resolve, reject) => {
      this.#resolveCreated = resolve;
      this.#rejectCreated = reject;
    });
    this.#whenCreated.catch(() => {});
  }

  /** The server knows the watch, on the present stream. */
  get isCreated(): boolean {
    return this.#createdAt !== undefined;
  }

  /** Whether the server has known the watch, on the present stream, for at least `ms` milliseconds. */
  isSettled(ms: number): boolean {
    return this.#createdAt !== undefined && performance.now() - this.#createdAt >= ms;
  }

  /** For how many milliseconds a watch that the server knew has been without a stream; undefined while it has one. */
  get cutOffMs(): number | undefined {
    return this.#cutOffAt === undefined ? undefined : performance.now() - this.#cutOffAt;
  }

  /** Everything of the span up to this revision has been received. */
  get position(): number {
    return this.#position;
  }

  get whenCreated(): Promise<void> {
    return this.#whenCreated;
  }

  get readers(): ReadonlySet<Reader> {
    return this.#readers;
  }

  /** Whether a reader that has everything up to `revision` can go on here. */
  canServeFrom(revision: number): boolean {
    return revision >= this.#floor;
  }

  begin(stream: WatchStream): void {
    this.#stream = stream;
    this.#createdAt = undefined;
    stream.create(this.span, Math.max(1, this.#position), this);
  }

  /** Hands a joining reader what it has not seen yet of what is still known. */
  join(reader: Reader): void {
    this.#readers.add(reader);
    for (const response of this.#replay) {
      if (response.revision > reader.position) reader.offer(response);
    }
  }

  leave(reader: Reader): void {
    this.#readers.delete(reader);
  }

  /** Ends the watch on the server, too. */
  end(): void {
    this.#stream?.cancel(this);
    this.#stream = undefined;
  }

  /** Tells those who wait for the watch to be created. */
  giveUp(error: HmEtcdError): void {
    this.#rejectCreated(error);
  }

  fail(error: HmEtcdError): void {
    this.giveUp(error);
    for (const reader of this.#readers) reader.fail(error);
    this.#readers.clear();
  }

  /** Every watch of the stream has come to this revision, as a trusted progress report says. */
  progressed(revision: number): void {
    if (revision <= this.#position) return;
    this.#position = revision;
    for (const reader of this.#readers) reader.offer({ revision, events: [] });
    this.#host.advanced(this);
  }

  /** The stream is over, and another is not there yet. */
  cutOff(): void {
    if (this.isCreated) this.#cutOffAt = performance.now();
  }

  created(): void {
    this.#createdAt = performance.now();
    this.#cutOffAt = undefined;
    this.#resolveCreated();
  }

  responded({ events, header }: IWatchResponse): void {
    if (events.length === 0) return this.progressed(toNumber(header.revision));
    const fresh = events.map(eventFromWire).filter(({ kv }) => kv.modRevision > this.#position);
    if (fresh.length === 0) return;
    const revision = fresh.at(-1)!.kv.modRevision;
    this.#position = revision;
    const response = { revision, events: fresh };
    this.#remember(response);
    for (const reader of this.#readers) reader.offer(response);
    this.#host.advanced(this);
  }

  canceled(response: IWatchResponse): void {
    this.#stream = undefined;
    const error = this.#host.explainCancel(response);
    if (error === undefined) return;
    const unaffected = this.#leaveWhoIsPast(error);
    this.fail(error);
    this.#host.failed(this);
    for (const reader of unaffected) this.#host.attach(reader);
  }

  /** What is compacted is not missing to those who begin after it. */
  #leaveWhoIsPast(error: HmEtcdError): Reader[] {
    if (!(error instanceof CompactedError)) return [];
    const past = [...this.#readers].filter(({ position }) => position >= error.revision - 1);
    for (const reader of past) this.#readers.delete(reader);
    return past;
  }

  #remember(response: WatchResponse): void {
    this.#replay.push(response);
    this.#replayWeight += weightOf(response);
    while (this.#replay.length > REPLAY_LIMIT || this.#replayWeight > REPLAY_WEIGHT) {
      const oldest = this.#replay.shift()!;
      this.#replayWeight -= weightOf(oldest);
      this.#floor = oldest.revision;
    }
  }
}
