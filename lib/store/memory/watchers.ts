import type { WatchResponse } from '../store.js';
import { changesIn } from './history.js';
import type { MemoryWatch } from './memory-watch.js';

/** Who watches what. Watchers of one key are found by that key, so that a write wakes only its own. */
export class Watchers {
  readonly #ofKey = new Map<string, Set<MemoryWatch>>();
  readonly #ofRange = new Set<MemoryWatch>();

  get isEmpty(): boolean {
    return this.#ofKey.size === 0 && this.#ofRange.size === 0;
  }

  add(watch: MemoryWatch): void {
    if (watch.span.rangeEnd !== undefined) {
      this.#ofRange.add(watch);
      return;
    }
    const watches = this.#ofKey.get(watch.span.key) ?? new Set();
    this.#ofKey.set(watch.span.key, watches.add(watch));
  }

  delete(watch: MemoryWatch): void {
    this.#ofRange.delete(watch);
    const watches = this.#ofKey.get(watch.span.key);
    watches?.delete(watch);
    if (watches?.size === 0) this.#ofKey.delete(watch.span.key);
  }

  publish(changes: WatchResponse): void {
    if (this.#ofKey.size > 0) this.#publishToKeys(changes);
    for (const watch of this.#ofRange) {
      const share = changesIn(watch.span, changes);
      if (share !== undefined) watch.push(share);
    }
  }

  /** Nested transactions may put a key and delete it in one revision: its watchers get both at once. */
  #publishToKeys(changes: WatchResponse): void {
    const keys = new Set(changes.events.map(({ kv }) => kv.key));
    for (const key of keys) {
      const watches = this.#ofKey.get(key);
      if (watches === undefined) continue;
      const share = keys.size === 1 ? changes : changesIn({ key }, changes)!;
      for (const watch of watches) watch.push(share);
    }
  }

  compact(revision: number): void {
    for (const watches of this.#ofKey.values()) for (const watch of watches) watch.compact(revision);
    for (const watch of this.#ofRange) watch.compact(revision);
  }
}
