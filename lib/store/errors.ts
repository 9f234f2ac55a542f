/**
 * The root of every error this library throws on purpose. `code` is stable across releases and safe to
 * switch on; `cause` carries the error underneath, where there is one.
 *
 * A message says what was tried, what went wrong and what to do. It never holds a value, a password or a token.
 *
 * @publicApi
 */
export abstract class HmEtcdError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * An argument or option is not what it may be. The message names it. Nothing was sent.
 *
 * @publicApi
 */
export class InvalidArgumentError extends HmEtcdError {
  readonly code = 'ERR_HMETCD_INVALID_ARGUMENT';
}

/**
 * The store cannot be reached. A write that ends with this error was not applied.
 *
 * @publicApi
 */
export class UnavailableError extends HmEtcdError {
  readonly code = 'ERR_HMETCD_UNAVAILABLE';
}

/**
 * The call's deadline passed. A write that ends with this error was not applied.
 *
 * @publicApi
 */
export class RequestTimeoutError extends HmEtcdError {
  readonly code = 'ERR_HMETCD_REQUEST_TIMEOUT';
}

/**
 * A write was sent, its answer was lost, and nothing tells whether it was applied. Read the key before you
 * decide; do not simply repeat the write.
 *
 * @publicApi
 */
export class OutcomeUnknownError extends HmEtcdError {
  readonly code = 'ERR_HMETCD_OUTCOME_UNKNOWN';
}

/**
 * The store's user may not do this.
 *
 * @publicApi
 */
export class PermissionDeniedError extends HmEtcdError {
  readonly code = 'ERR_HMETCD_PERMISSION_DENIED';
}

/**
 * The store does not accept the user name, password or certificate.
 *
 * @publicApi
 */
export class AuthenticationError extends HmEtcdError {
  readonly code = 'ERR_HMETCD_AUTHENTICATION';
}

/**
 * The revision asked for is no longer in the store's history: changes in between cannot be had any more.
 *
 * @publicApi
 */
export class CompactedError extends HmEtcdError {
  readonly code = 'ERR_HMETCD_COMPACTED';

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
  readonly code = 'ERR_HMETCD_CLOSED';
}

/**
 * Another history stands behind the endpoints: a backup was restored to an older revision, or another cluster
 * answers. Locks, temporary keys and change streams of before are over.
 *
 * @publicApi
 */
export class StoreReplacedError extends HmEtcdError {
  readonly code = 'ERR_HMETCD_STORE_REPLACED';
}

/**
 * The store answered a revision beyond 2^53-1, which JavaScript cannot count. Only a new cluster, where revisions begin
 * anew, helps.
 *
 * @publicApi
 */
export class RevisionOverflowError extends HmEtcdError {
  readonly code = 'ERR_HMETCD_REVISION_OVERFLOW';
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
  readonly code = 'ERR_HMETCD_LEASE_NOT_FOUND';
}
