/** Numbers from 0 up to 1 that look like chance, the same ones for the same seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What chance decides, from one source of it. */
export class Dice {
  #next;

  constructor(seed) {
    this.#next = randomFrom(seed);
  }

  below(end) {
    return Math.floor(this.#next() * end);
  }

  /** True in so many of a hundred cases. */
  percent(share) {
    return this.#next() * 100 < share;
  }

  pick(choices) {
    return choices[this.below(choices.length)];
  }

  bytes(count) {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)));
  }
}
