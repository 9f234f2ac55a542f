/** The middle one, or the mean of the two in the middle. */
export function median(numbers) {
  const sorted = numbers.toSorted((one, other) => one - other);
  const half = sorted.length / 2;
  return Number.isInteger(half) ? (sorted[half - 1] + sorted[half]) / 2 : sorted[Math.floor(half)];
}

export function spread(numbers) {
  return { median: median(numbers), min: Math.min(...numbers), max: Math.max(...numbers) };
}

/** Round by round, so that what disturbs one round disturbs both sides of its ratio. */
export function ratios(figures, others) {
  return spread(figures.map((figure, round) => figure / others[round]));
}

/** What a row got for one of its targets: a ratio to another contender's figures, or the figure itself. */
export function outcome({ against, atLeast, atMost }, figures, ours) {
  const got = against === undefined ? spread(figures[ours]) : ratios(figures[ours], figures[against]);
  return { got, isMet: atLeast === undefined ? got.median <= atMost : got.median >= atLeast };
}
