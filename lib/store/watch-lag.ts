import { watchLagChannel } from './channels.js';
import type { KeySpan, WatchResponse } from './store.js';

/** How long changes wait here until their reader takes them. Nothing is kept while nobody listens. */
export class WatchLag {
  readonly #endpoint: string;
  readonly #span: KeySpan;
  #arrivals: WeakMap<WatchResponse, number> | undefined;

  constructor(endpoint: string, span: KeySpan) {
    this.#endpoint = endpoint;
    this.#span = span;
  }

  arrived(response: WatchResponse): void {
    if (!watchLagChannel.hasSubscribers || response.events.length === 0) return;
    this.#arrivals ??= new WeakMap();
    this.#arrivals.set(response, performance.now());
  }

  /** Told of nothing that arrived before somebody listened: for how long it has waited is not known. */
  taken(response: WatchResponse): void {
    const arrivedAt = this.#arrivals?.get(response);
    if (arrivedAt === undefined || !watchLagChannel.hasSubscribers) return;
    const { key, rangeEnd } = this.#span;
    watchLagChannel.publish({
      endpoint: this.#endpoint,
      key,
      ...(rangeEnd !== undefined && { rangeEnd }),
      changes: response.events.length,
      waitedMs: performance.now() - arrivedAt,
    });
  }
}
