import type { KeyRecord } from '../store/store.js';
import type { DeletionWatch } from './deletion-watch.js';

/**
 * The one or two places of a lock's queue that are just before a waiter's own. A watch begins behind, at the revision of
 * what was read, and a server may take a while to bring it up to the present; so one is kept as long as it can be of use.
 */
export class PlacesAhead {
  readonly #watch: (place: KeyRecord, afterRevision: number) => DeletionWatch;
  #watches: readonly DeletionWatch[] = [];

  /** @param watch begins to watch a place */
  constructor(watch: (place: KeyRecord, afterRevision: number) => DeletionWatch) {
    this.#watch = watch;
  }

  /** The first of the places that are followed: for a waiter that is next, the one before its own. */
  get first(): DeletionWatch {
    return this.#watches[0]!;
  }

  /**
   * Follows these places and no other.
   *
   * @param places the last before the waiter's own, in the order of the queue
   * @param revision when they were read
   */
  follow(places: readonly KeyRecord[], revision: number): void {
    const watches = places.map((place) => this.#known(place) ?? this.#watch(place, revision));
    for (const watch of this.#watches) if (!watches.includes(watch)) watch.cancel();
    this.#watches = watches;
  }

  #known(place: KeyRecord): DeletionWatch | undefined {
    return this.#watches.find((watch) => !watch.isOver && watch.isOf(place));
  }
}
