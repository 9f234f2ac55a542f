export interface EntryPoint {
  readonly title: string;
  readonly specifier: string;
  readonly source: string;
  readonly declarations: string;
}

export declare const entryPoints: readonly EntryPoint[];
