/**
 * Kinds of change, with the original's names and numbers. `INVAL` is no kind to ask for; it is refused
 * wherever an operation is an argument.
 *
 * @publicApi
 */
export const KeyChangeOp = {
  /** No change. */
  INVAL: 0,
  /** As {@link PUT}. */
  PUT: 1,
  /** As {@link DELETE}. */
  DELETE: 2,
} as const;

/**
 * A kind of change, as its number.
 *
 * @publicApi
 */
export type KeyChangeOp = (typeof KeyChangeOp)[keyof typeof KeyChangeOp];

/**
 * A value was stored, the same one as before included.
 *
 * @publicApi
 */
export const PUT = KeyChangeOp.PUT;
/**
 * The type of {@link PUT}, where one kind of change is asked for.
 *
 * @publicApi
 */
export type PUT = typeof PUT;

/**
 * The key was deleted, or expired with its lease.
 *
 * @publicApi
 */
export const DELETE = KeyChangeOp.DELETE;
/**
 * The type of {@link DELETE}, where one kind of change is asked for.
 *
 * @publicApi
 */
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
  /** The key that was changed. */
  readonly key: string;
  /** The store's revision that made the change. It only grows. */
  readonly revision: number;
  /** The value before, where it was asked for and there was one. */
  readonly prevValue?: string;
} & (
  | {
      /** A value was stored. */
      readonly op: PUT;
      /** The value that was stored. */
      readonly value: string;
    }
  | {
      /** The key was deleted, or expired. */
      readonly op: DELETE;
      /** There is none. */
      readonly value: undefined;
    }
);
