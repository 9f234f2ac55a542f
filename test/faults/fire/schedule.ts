import type { Dice } from '../../support/random.mjs';
import type { Fault, Part } from './fault.js';

/** Of 100 times one fault comes alone in so many, and two in so many more; else there are three. */
const [ALONE, IN_PAIRS] = [45, 35];

/** What comes when, from the dice alone; each fault has its turn before any comes again. */
export class Schedule {
  readonly #faults: readonly Fault[];
  readonly #dice: Dice;
  #left: Fault[] = [];

  constructor(faults: readonly Fault[], dice: Dice) {
    this.#faults = faults;
    this.#dice = dice;
  }

  /** Those that come together: of different parts. */
  next(): Fault[] {
    const chance = this.#dice.below(100);
    const count = chance < ALONE ? 1 : chance < ALONE + IN_PAIRS ? 2 : 3;
    const together = [this.#draw(new Set())!];
    while (together.length < count) {
      const another = this.#draw(new Set(together.map(({ part }) => part)));
      if (another === undefined) break;
      together.push(another);
    }
    return together;
  }

  #draw(taken: ReadonlySet<Part>): Fault | undefined {
    if (this.#left.length === 0) this.#left = [...this.#faults];
    const possible = this.#left.filter(({ part }) => !taken.has(part));
    if (possible.length === 0) return undefined;
    const drawn = this.#dice.pick(possible);
    this.#left = this.#left.filter((fault) => fault !== drawn);
    return drawn;
  }
}
