import type { Footprint } from './footprint.js';

type Keys = Pick<Footprint, 'writes' | 'compares'>;

/** An operation that has come, and those that have to wait for it. */
export class Place {
  readonly keys: Keys;
  readonly #onTurn: () => void;
  #successors: Place[] = [];
  #predecessors = 0;

  constructor(keys: Keys, onTurn: () => void) {
    this.keys = keys;
    this.#onTurn = onTurn;
  }

  follow(before: Place | undefined): void {
    if (before === undefined || before === this) return;
    before.#successors.push(this);
    this.#predecessors++;
  }

  begin(): void {
    if (this.#predecessors === 0) this.#onTurn();
  }

  end(): void {
    const successors = this.#successors;
    this.#successors = [];
    for (const successor of successors) {
      successor.#predecessors--;
      successor.begin();
    }
  }
}

/** Who came last to a key: its last writer, and those who compare it since. */
interface KeyTail {
  writer: Place | undefined;
  readers: readonly Place[];
}

/**
 * Lets operations that touch one key go one after the other, in the order of their coming, and all others go at once.
 * In one txn the second would not see what the first has written, and on another connection it could overtake it.
 * Those that only compare a key do not wait for each other.
 */
export class KeyOrder {
  readonly #tails = new Map<string, KeyTail>();
  /** Whose successors are being told. */
  readonly #leaving: Place[] = [];

  /** @param onTurn called at once, or when all have left that came before and touch its keys */
  enter(keys: Keys, onTurn: () => void): Place {
    const place = new Place(keys, onTurn);
    for (const key of keys.compares) this.#joinReaders(key, place);
    for (const key of keys.writes) this.#followAll(key, place);
    place.begin();
    return place;
  }

  /** Its outcome is decided: what follows it may go. */
  leave(place: Place): void {
    for (const key of place.keys.compares) this.#forget(key, place);
    for (const key of place.keys.writes) this.#forget(key, place);
    this.#leaving.push(place);
    // Who leaves as soon as its turn comes is told here, too: one within the other, thousands would be too deep.
    if (this.#leaving.length > 1) return;
    for (const left of this.#leaving) left.end();
    this.#leaving.length = 0;
  }

  #joinReaders(key: string, place: Place): void {
    const tail = this.#tails.get(key);
    if (tail === undefined) {
      this.#tails.set(key, { writer: undefined, readers: [place] });
      return;
    }
    place.follow(tail.writer);
    tail.readers = [...tail.readers, place];
  }

  #followAll(key: string, place: Place): void {
    const tail = this.#tails.get(key);
    place.follow(tail?.writer);
    for (const reader of tail?.readers ?? NOBODY) place.follow(reader);
    this.#tails.set(key, { writer: place, readers: NOBODY });
  }

  #forget(key: string, place: Place): void {
    const tail = this.#tails.get(key);
    // It was named twice, and this is the second time.
    if (tail === undefined) return;
    if (tail.writer === place) tail.writer = undefined;
    if (tail.readers.includes(place)) tail.readers = tail.readers.filter((reader) => reader !== place);
    if (tail.writer === undefined && tail.readers.length === 0) this.#tails.delete(key);
  }
}

const NOBODY: readonly Place[] = [];
