import type { Target } from './statistics.mjs';

export interface Row {
  readonly id: string;
  readonly store: 'etcd' | 'mem';
  readonly title: string;
  readonly unit: string;
  /** Ours first. */
  readonly contenders: readonly string[];
  readonly targets: readonly Target[];
}

export interface ChosenSuite {
  readonly suite: string;
  readonly store: 'etcd' | 'mem';
  readonly rows: readonly Row[];
}

export function chosenSuites(settings: { quick: boolean; only?: readonly string[] }): Promise<ChosenSuite[]>;
