import type { Figures } from './statistics.mjs';

export interface ChartedRow {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly figures: Figures;
}

export interface Results {
  readonly rounds: number;
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly node: string;
    readonly etcd?: string;
  };
  readonly rows: readonly ChartedRow[];
}

/** An SVG as text. */
export function drawChart(results: Results): string;
