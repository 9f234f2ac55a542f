import type { LiveView } from '../kvi/kvi.js';

/**
 * The value of a key, as it is in the store now: what `@FromKey` injects. Always a good one, the last of which `parse`
 * could make a value.
 *
 * A text that `parse` does not take is logged, by the key and what is wrong and never by the text, and the value stays as
 * it was. When the key is deleted, the value is the `default`; where there is none it stays as it was, and a warning says
 * so. In an outage it stays too, as {@link staleSince} tells.
 *
 * @publicApi
 */
export interface LiveValue<T> {
  /** As given to `@FromKey`. */
  readonly key: string;
  /** Shared by all who are injected it: do not change it. */
  readonly value: T;
  /** Whether no change can be unknown here: neither closed nor cut off from the store. */
  readonly isCurrent: boolean;
  /** Since when changes may have been made that {@link value} does not show; undefined while it is current. */
  readonly staleSince: Date | undefined;
  /**
   * Calls `listener` each time the value has become another, until shutdown. Not for the same text stored again. What
   * a listener throws, or rejects with, is logged.
   *
   * @returns ends the calls
   */
  onChange(listener: ValueListener<T>): () => void;
  /**
   * Waits until the value is the one that was in the store when this was called.
   *
   * @throws RequestTimeoutError after `requestTimeoutMs`; the signal's reason; ClosedError
   */
  sync(options?: { readonly signal?: AbortSignal }): Promise<void>;
}

/**
 * Is called with a value and the one before; what it answers is not waited for.
 *
 * @publicApi
 */
export type ValueListener<T> = (value: T, before: T) => unknown;

/** What a value is followed by: the view of a key, or the map that a mock gives for one. */
export interface ValueView
  extends
    Pick<LiveView, 'get'>,
    Partial<Pick<LiveView, 'isCurrent' | 'staleSince' | 'onChange' | 'sync' | 'close'>> {}
