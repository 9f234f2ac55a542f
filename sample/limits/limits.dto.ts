import { IsInt, Max, Min } from 'class-validator';

const ONE_DAY_MS = 24 * 60 * 60 * 1000;

export class Limits {
  /** A node that was silent for longer is stale. */
  @IsInt()
  @Min(1)
  @Max(ONE_DAY_MS)
  readonly staleAfterMs!: number;

  /** A node that was stale for longer is removed. */
  @IsInt()
  @Min(1)
  @Max(ONE_DAY_MS)
  readonly removeStaleAfterMs!: number;
}

/** Short enough to be watched. */
export const DEFAULT_LIMITS: Limits = { staleAfterMs: 3000, removeStaleAfterMs: 5000 };
