import { HmEtcdError } from '../store/errors.js';

/**
 * The lock was not had within `timeoutSec`. The call left nothing behind in the queue.
 *
 * @publicApi
 */
export class LockTimeoutError extends HmEtcdError {
  static override readonly code = 'ERR_HMETCD_LOCK_TIMEOUT';
  declare readonly code: typeof LockTimeoutError.code;
}

/**
 * The lock is not held any more: its lease expired, its `maxHoldSec` is over, its key was removed, or it was
 * released. Stop what it protects; another may hold it.
 *
 * @publicApi
 */
export class LockLostError extends HmEtcdError {
  static override readonly code = 'ERR_HMETCD_LOCK_LOST';
  declare readonly code: typeof LockLostError.code;
}
