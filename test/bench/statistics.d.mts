export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** What a row is to reach: a ratio to the figures of `against`, or a figure of its own. */
export interface Target {
  readonly against?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export type Figures = Readonly<Record<string, readonly number[]>>;

export function median(numbers: readonly number[]): number;
export function spread(numbers: readonly number[]): Spread;
export function ratios(figures: readonly number[], others: readonly number[]): Spread;
export function outcome(target: Target, figures: Figures, ours: string): { got: Spread; isMet: boolean };
