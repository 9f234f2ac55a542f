import type { HmEtcdError } from '../errors.js';
import type { KeySpan, Watch, WatchResponse } from '../store.js';
import { WatchLag } from '../watch-lag.js';
import { weightOf } from '../weight.js';
import type { Reader } from './range-watch.js';

/** How much may wait for a slow reader, in characters of keys and values. */
const QUEUE_WEIGHT = 4 * 1024 * 1024;

/** What a subscription asks of the hub. */
export interface SubscriptionHost {
  /** Of the store, for telemetry. */
  readonly endpoint: string;
  /** Feeds the subscription again from its position on. */
  attach(subscription: Subscription): void;
  /** Feeds it no longer, until it asks for it again. */
  detach(subscription: Subscription): void;
  /** It is over. */
  ended(subscription: Subscription): void;
  requestProgress(subscription: Subscription): void;
  /** For how many milliseconds the server has not been heard of; undefined while it is. */
  cutOffMs(subscription: Subscription): number | undefined;
}

interface PendingNext {
  resolve(response: WatchResponse | undefined): void;
  reject(error: Error): void;
}

/**
 * One reader's view of a watch. What it has not read yet waits here up to a limit; then it is fed no longer, until it
 * has read that, and goes on from its own position. Nobody else notices.
 */
export class Subscription implements Watch, Reader {
  readonly span: KeySpan;
  readonly #host: SubscriptionHost;
  readonly #queue: WatchResponse[] = [];
  readonly #lag: WatchLag;
  #position: number;
  #weight = 0;
  #isFed = true;
  #pending: PendingNext | undefined;
  #failure: HmEtcdError | undefined;
  /** When the server was last heard of, once the subscription has failed. */
  #cutOffAt: number | undefined;
  #ended = false;
  #progressAsked = false;

  constructor(span: KeySpan, afterRevision: number, host: SubscriptionHost) {
    this.span = span;
    this.#position = afterRevision;
    this.#host = host;
    this.#lag = new WatchLag(host.endpoint, span);
  }

  get position(): number {
    return this.#position;
  }

  /** It was asked for a progress report that has not come yet. */
  get awaitsProgress(): boolean {
    return this.#progressAsked;
  }

  get cutOffMs(): number | undefined {
    return this.#cutOffAt === undefined ? this.#host.cutOffMs(this) : performance.now() - this.#cutOffAt;
  }

  async next(): Promise<WatchResponse | undefined> {
    const response = this.#queue.shift();
    if (response !== undefined) {
      this.#lag.taken(response);
      this.#weight -= weightOf(response);
      return response;
    }
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) return undefined;
    const next = new Promise<WatchResponse | undefined>((resolve, reject) => {
      this.#pending = { resolve, reject };
    });
    if (!this.#isFed) {
      this.#isFed = true;
      this.#host.attach(this);
    }
    return next;
  }

  requestProgress(): void {
    this.#progressAsked = true;
    this.#host.requestProgress(this);
  }

  cancel(): void {
    if (this.#ended) return;
    this.#end();
    this.#queue.length = 0;
    this.#pending?.resolve(undefined);
  }

  offer(response: WatchResponse): void {
    if (response.events.length === 0) return this.#progress(response);
    const events = response.events.filter(({ kv }) => kv.modRevision > this.#position);
    if (events.length === 0) return;
    if (this.#weight > QUEUE_WEIGHT) return this.#stopFeeding();
    this.#position = response.revision;
    this.#hand(events.length === response.events.length ? response : { revision: response.revision, events });
  }

  fail(error: HmEtcdError): void {
    if (this.#ended) return;
    this.#failure = error;
    this.#cutOffAt = performance.now() - (this.#host.cutOffMs(this) ?? 0);
    this.#end();
    this.#pending?.reject(error);
  }

  #progress(response: WatchResponse): void {
    this.#position = Math.max(this.#position, response.revision);
    if (!this.#progressAsked) return;
    this.#progressAsked = false;
    this.#hand(response);
  }

  #hand(response: WatchResponse): void {
    this.#lag.arrived(response);
    const pending = this.#pending;
    if (pending === undefined) {
      this.#queue.push(response);
      this.#weight += weightOf(response);
      return;
    }
    this.#pending = undefined;
    this.#lag.taken(response);
    pending.resolve(response);
  }

  #stopFeeding(): void {
    this.#isFed = false;
    this.#host.detach(this);
  }

  #end(): void {
    this.#ended = true;
    this.#host.ended(this);
  }
}
