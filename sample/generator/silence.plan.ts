/** A node's life in beats, over and over: a pause that makes it stale, later one that gets it removed. */
const CYCLE = 40;
const PAUSES = [
  { from: 3, to: 8 },
  { from: 20, to: 32 },
];

/** No divisor in common with the cycle: the nodes spread over it, and the first ones soon meet a pause. */
const STRIDE = 17;

/** A fixed plan and not chance, so that the first twenty seconds show everything, every time. */
export function isSilent(index: number, beat: number): boolean {
  const position = (beat + index * STRIDE) % CYCLE;
  return PAUSES.some(({ from, to }) => from <= position && position < to);
}
