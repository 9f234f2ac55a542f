import { OutcomeUnknownError, PermissionDeniedError } from '../store/errors.js';
import type { Store } from '../store/store.js';
import { RESERVED_PREFIX } from './keys.js';

/** As long as what `retryableWrites` records, which lies below a lease's id. */
const KEY = `${RESERVED_PREFIX}0/s`;

/**
 * Makes sure that the store's user may record what its writes have done. Rights are checked for all that a txn could do,
 * so this one does nothing: no create revision is below 0. A deletion takes the rights of a put, and needs no space.
 *
 * @throws PermissionDeniedError that says what to grant
 */
export async function checkRecordRights(store: Store, attempts = 2): Promise<void> {
  try {
    await store.txn({
      compare: [{ target: 'create', key: KEY, operator: '<', revision: 0 }],
      success: [{ type: 'delete', key: KEY }],
      failure: [{ type: 'range', key: KEY, rangeEnd: `${KEY}0`, keysOnly: true }],
    });
  } catch (error) {
    // It may have been done, but then it did nothing.
    if (error instanceof OutcomeUnknownError && attempts > 1) return checkRecordRights(store, attempts - 1);
    if (!(error instanceof PermissionDeniedError)) throw error;
    throw new PermissionDeniedError(
      "The store's user may not use the keys under '\\0hmetcd/' (inside the namespace), where it is recorded which writes were applied. " +
        'Grant read and write there, or set retryableWrites: false, with which a write whose answer is lost ends with OutcomeUnknownError.',
      { cause: error },
    );
  }
}
