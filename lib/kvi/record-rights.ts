import { callClock } from '../store/clock.js';
import { OutcomeUnknownError, PermissionDeniedError } from '../store/errors.js';
import { pause } from '../store/pause.js';
import type { Store } from '../store/store.js';
import { RESERVED_PREFIX } from './keys.js';

/** As long as what `retryableWrites` records, which lies below a lease's id. */
const KEY = `${RESERVED_PREFIX}0/s`;

const RETRY_MS = 20;

/**
 * Makes sure that the store's user may record what its writes have done. Rights are checked for all that a txn could do,
 * so this one does nothing: no create revision is below 0. A deletion takes the rights of a put, and needs no space.
 *
 * @param signal as long as it has not aborted, a lost answer is asked for again: whatever was done, it was nothing
 * @throws PermissionDeniedError that says what to grant
 */
export async function checkRecordRights(store: Store, signal: AbortSignal): Promise<void> {
  try {
    await store.txn({
      compare: [{ target: 'create', key: KEY, operator: '<', revision: 0 }],
      success: [{ type: 'delete', key: KEY }],
      failure: [{ type: 'range', key: KEY, rangeEnd: `${KEY}0`, keysOnly: true }],
    });
  } catch (error) {
    if (error instanceof OutcomeUnknownError && !signal.aborted) {
      await pause(callClock, RETRY_MS, signal);
      return checkRecordRights(store, signal);
    }
    if (!(error instanceof PermissionDeniedError)) throw error;
    throw new PermissionDeniedError(
      "The store's user may not use the keys under '\\0hmetcd/' (inside the namespace), where it is recorded which writes were applied. " +
        'Grant read and write there, or set retryableWrites: false, with which a write whose answer is lost ends with OutcomeUnknownError.',
      { cause: error },
    );
  }
}
