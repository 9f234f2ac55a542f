export interface Edit {
  readonly file: string;
  /** What stands there once. */
  readonly piece: string;
  readonly by: string;
}

export const mutations: readonly { readonly name: string; readonly edits: readonly Edit[] }[];
