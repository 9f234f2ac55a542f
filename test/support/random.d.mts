/** Numbers from 0 up to 1 that look like chance, the same ones for the same seed. */
export declare function randomFrom(seed: number): () => number;

/** What chance decides, from one source of it. */
export declare class Dice {
  constructor(seed: number);
  /** A whole number from 0 up to `end`. */
  below(end: number): number;
  /** True in so many of a hundred cases. */
  percent(share: number): boolean;
  pick<T>(choices: readonly T[]): T;
  bytes(count: number): Buffer;
}
