/**
 * Kinds of change, with the original's names and numbers. `INVAL` is no kind to ask for; it is refused
 * wherever an operation is an argument.
 *
 * @publicApi
 */
export const KeyChangeOp = { INVAL: 0, PUT: 1, DELETE: 2 } as const;

/** @publicApi */
export type KeyChangeOp = (typeof KeyChangeOp)[keyof typeof KeyChangeOp];

/**
 * A value was stored, the same one as before included.
 *
 * @publicApi
 */
export const PUT = KeyChangeOp.PUT;
/** @publicApi */
export type PUT = typeof PUT;

/**
 * The key was deleted, or expired with its lease.
 *
 * @publicApi
 */
export const DELETE = KeyChangeOp.DELETE;
/** @publicApi */
export type DELETE = typeof DELETE;

/**
 * The original's name for `KeyChangeOp.INVAL`.
 *
 * @publicApi
 */
export const KVC_KEYCHANGE_INVAL = KeyChangeOp.INVAL;

/**
 * The original's name for {@link PUT}.
 *
 * @publicApi
 */
export const KVC_KEYCHANGE_PUT = KeyChangeOp.PUT;

/**
 * The original's name for {@link DELETE}.
 *
 * @publicApi
 */
export const KVC_KEYCHANGE_DELETE = KeyChangeOp.DELETE;

/**
 * One change of one key. Changes made by one transaction share their `revision`.
 *
 * @publicApi
 */
export type KeyChange = {
  readonly key: string;
  /** The store's revision that made the change. It only grows. */
  readonly revision: number;
  /** The value before, where it was asked for and there was one. */
  readonly prevValue?: string;
} & ({ readonly op: PUT; readonly value: string } | { readonly op: DELETE; readonly value: undefined });
