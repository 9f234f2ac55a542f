import { helpOn, withoutHelp } from './error-help.js';

/**
 * The root of every error this library throws on purpose. `code` is stable across releases and safe to
 * switch on; `cause` carries the error underneath, where there is one.
 *
 * A message says what was tried, what went wrong and what to do, and ends with the address where the code is described.
 * It never holds a value, a password or a token.
 *
 * @publicApi
 */
export abstract class HmEtcdError extends Error {
  /** The code of all errors of a class. */
  declare static readonly code: string;

  /** Stable across releases, and safe to switch on. */
  readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    const { code } = new.target;
    super(withoutHelp(message) + helpOn(code), options);
    this.name = new.target.name;
    this.code = code;
  }
}

/**
 * An argument or option is not what it may be. The message names it. Nothing was sent.
 *
 * @publicApi
 */
export class InvalidArgumentError extends HmEtcdError {
  static override readonly code = 'ERR_HMETCD_INVALID_ARGUMENT';
  declare readonly code: typeof InvalidArgumentError.code;
}

/**
 * The store cannot be reached. A write that ends with this error was not applied.
 *
 * @publicApi
 */
export class UnavailableError extends HmEtcdError {
  static override readonly code = 'ERR_HMETCD_UNAVAILABLE';
  declare readonly code: typeof UnavailableError.code;
}

/**
 * The call's deadline passed. A write that ends with this error was not applied.
 *
 * @publicApi
 */
export class RequestTimeoutError extends HmEtcdError {
  static override readonly code = 'ERR_HMETCD_REQUEST_TIMEOUT';
  declare readonly code: typeof RequestTimeoutError.code;
}

/**
 * A write was sent, its answer was lost, and nothing tells whether it was applied. Read the key before you
 * decide; do not simply repeat the write.
 *
 * @publicApi
 */
export class OutcomeUnknownError extends HmEtcdError {
  static override readonly code = 'ERR_HMETCD_OUTCOME_UNKNOWN';
  declare readonly code: typeof OutcomeUnknownError.code;
}

/**
 * The store's user may not do this.
 *
 * @publicApi
 */
export class PermissionDeniedError extends HmEtcdError {
  static override readonly code = 'ERR_HMETCD_PERMISSION_DENIED';
  declare readonly code: typeof PermissionDeniedError.code;
}

/**
 * The store does not accept the user name, password or certificate.
 *
 * @publicApi
 */
export class AuthenticationError extends HmEtcdError {
  static override readonly code = 'ERR_HMETCD_AUTHENTICATION';
  declare readonly code: typeof AuthenticationError.code;
}

/**
 * The revision asked for is no longer in the store's history: changes in between cannot be had any more.
 *
 * @publicApi
 */
export class CompactedError extends HmEtcdError {
  static override readonly code = 'ERR_HMETCD_COMPACTED';
  declare readonly code: typeof CompactedError.code;

  /** The first revision whose changes the store still has: `changes(range, { fromRevision: error.revision })` works. */
  readonly revision: number;

  constructor(message: string, revision: number, options?: ErrorOptions) {
    super(message, options);
    this.revision = revision;
  }
}

/**
 * The handle was closed, before or during the call.
 *
 * @publicApi
 */
export class ClosedError extends HmEtcdError {
  static override readonly code = 'ERR_HMETCD_CLOSED';
  declare readonly code: typeof ClosedError.code;
}

/**
 * Another history stands behind the endpoints: a backup was restored to an older revision, or another cluster
 * answers. Locks, temporary keys and change streams of before are over.
 *
 * @publicApi
 */
export class StoreReplacedError extends HmEtcdError {
  static override readonly code = 'ERR_HMETCD_STORE_REPLACED';
  declare readonly code: typeof StoreReplacedError.code;
}

/**
 * The store answered a revision beyond 2^53-1, which JavaScript cannot count. Only a new cluster, where revisions begin
 * anew, helps.
 *
 * @publicApi
 */
export class RevisionOverflowError extends HmEtcdError {
  static override readonly code = 'ERR_HMETCD_REVISION_OVERFLOW';
  declare readonly code: typeof RevisionOverflowError.code;
}

/** Whether something that was thrown is an error of this library, whatever it is: a proxy may throw when it is asked. */
export function isOurs(thrown: unknown): thrown is HmEtcdError {
  try {
    return thrown instanceof HmEtcdError;
  } catch {
    return false;
  }
}

/** Whether an error says that changes which were asked for cannot be had any more, so that only a fresh look helps. */
export function isHistoryGone(error: unknown): error is CompactedError | StoreReplacedError {
  return error instanceof CompactedError || error instanceof StoreReplacedError;
}

/** A lease is unknown to the store: expired or revoked. Users never see it; the floors above turn it into theirs. */
export class LeaseNotFoundError extends HmEtcdError {
  static override readonly code = 'ERR_HMETCD_LEASE_NOT_FOUND';
  declare readonly code: typeof LeaseNotFoundError.code;
}
