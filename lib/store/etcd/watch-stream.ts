import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { IWatchResponse } from 'etcd3';
import { RevisionOverflowError } from '../errors.js';
import type { KeySpan } from '../store.js';
import { CallError } from './call-errors.js';
import { spanToWire } from './codec.js';
import { Code } from './error-table.js';

/** Who hears what the server says of one watch. */
export interface WatchListener {
  created(): void;
  /** Events, or the progress of this watch alone. */
  responded(response: IWatchResponse): void;
  /** The server ended this watch, or refused to begin it. */
  canceled(response: IWatchResponse): void;
}

/** Who hears what concerns the whole stream. */
export interface StreamListener {
  /** The server said something. */
  answered(): void;
  /** Every watch of the stream has come to this revision. */
  progressed(revision: string): void;
  /** The server said what cannot be counted: no watch can be followed any further. */
  overflowed(error: RevisionOverflowError): void;
  /** The stream is over; told once, and not after `end`. */
  ended(error: CallError): void;
}

/** The id that answers for no watch: a manual progress report, and the refusal of a create. */
const NO_WATCH = '-1';

/** How much later than asked for a watch is cancelled on the server, with all others of that time. */
const CANCEL_MS = 1;

/**
 * Many watches on one stream of one member. Creates are answered in their order, and a refused one without an id:
 * the order is what tells whose answer it is.
 */
export class WatchStream {
  readonly #duplex: ClientDuplexStream<unknown, unknown>;
  readonly #listener: StreamListener;
  readonly #awaitingCreation: WatchListener[] = [];
  readonly #listeners = new Map<string, WatchListener>();
  readonly #ids = new Map<WatchListener, string>();
  /** Cancelled before the server said under which id it had created them. */
  readonly #unwanted = new Set<WatchListener>();
  /** To be cancelled soon: who waits for what a watch has told comes first. */
  #cancelled: string[] = [];
  #isOver = false;

  constructor(duplex: ClientDuplexStream<unknown, unknown>, listener: StreamListener) {
    this.#duplex = duplex;
    this.#listener = listener;
    duplex.on('data', (response: IWatchResponse) => this.#take(response));
    duplex.on('error', (error: Error & { code: number }) =>
      this.#end(new CallError(error.code, error.message)),
    );
    duplex.on('end', () => this.#end(new CallError(Code.UNAVAILABLE, 'the server ended the watch stream')));
  }

  /** Watches a span from a revision on, that one included. */
  create(span: KeySpan, startRevision: number, listener: WatchListener): void {
    this.#awaitingCreation.push(listener);
    this.#write({
      create_request: {
        ...spanToWire(span),
        start_revision: startRevision,
        prev_kv: true,
        progress_notify: true,
      },
    });
  }

  cancel(listener: WatchListener): void {
    const id = this.#ids.get(listener);
    if (id === undefined) {
      this.#unwanted.add(listener);
      return;
    }
    this.#forget(id);
    if (this.#cancelled.push(id) === 1) setTimeout(() => this.#tellCancelled(), CANCEL_MS).unref();
  }

  requestProgress(): void {
    this.#write({ progress_request: {} });
  }

  end(): void {
    this.#isOver = true;
    this.#duplex.cancel();
  }

  /** What is thrown here, out of an event's handler, would end the process. */
  #take(response: IWatchResponse): void {
    if (this.#isOver) return;
    try {
      this.#dispatch(response);
    } catch (error) {
      if (error instanceof RevisionOverflowError) return this.#listener.overflowed(error);
      this.#end(new CallError(Code.INTERNAL, 'the server said what etcd does not say'));
      this.#duplex.cancel();
    }
  }

  #end(error: CallError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.ended(error);
  }

  #dispatch(response: IWatchResponse): void {
    this.#listener.answered();
    if (response.created) return this.#created(response);
    const listener = this.#listeners.get(response.watch_id);
    if (response.canceled) {
      this.#forget(response.watch_id);
      listener?.canceled(response);
    } else if (response.watch_id === NO_WATCH) {
      this.#listener.progressed(response.header.revision);
    } else {
      listener?.responded(response);
    }
  }

  #created(response: IWatchResponse): void {
    const listener = this.#awaitingCreation.shift();
    if (listener === undefined) return;
    if (response.canceled) {
      listener.canceled(response);
      return;
    }
    this.#listeners.set(response.watch_id, listener);
    this.#ids.set(listener, response.watch_id);
    if (this.#unwanted.delete(listener)) this.cancel(listener);
    else listener.created();
  }

  #tellCancelled(): void {
    const cancelled = this.#cancelled;
    this.#cancelled = [];
    for (const id of cancelled) this.#write({ cancel_request: { watch_id: id } });
  }

  #forget(id: string): void {
    const listener = this.#listeners.get(id);
    this.#listeners.delete(id);
    if (listener !== undefined) this.#ids.delete(listener);
  }

  #write(request: unknown): void {
    if (!this.#isOver) this.#duplex.write(request);
  }
}
