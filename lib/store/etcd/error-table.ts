import {
  AuthenticationError,
  CompactedError,
  type HmEtcdError,
  InvalidArgumentError,
  LeaseNotFoundError,
  PermissionDeniedError,
  UnavailableError,
} from '../errors.js';
import { CallError, NotSentError } from './call-errors.js';

/** gRPC's status codes, as far as they are told apart (https://grpc.io/docs/guides/status-codes/). */
export const Code = {
  OK: 0,
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  OUT_OF_RANGE: 11,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

interface Row {
  readonly code: number;
  /** etcd's own text (https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go), or its beginning. */
  readonly text: RegExp;
  readonly make: (what: string, cause: Error) => HmEtcdError;
}

/**
 * The errors that say: nothing was done, and trying again would give the same. Every answer that is not in this
 * table is ambiguous: the request may have been applied all the same. A put that waited on a follower while its
 * leader died ended with UNAVAILABLE.
 */
const REFUSALS: readonly Row[] = [
  row(
    Code.INVALID_ARGUMENT,
    /key is not provided|duplicate key given|value is provided|lease is provided/,
    invalid,
  ),
  row(Code.INVALID_ARGUMENT, /too many operations in txn|request is too large/, tooLarge),
  row(Code.INVALID_ARGUMENT, /authentication failed, invalid user ID or password/, wrongPassword),
  row(Code.INVALID_ARGUMENT, /user name is empty/, userMissing),
  row(Code.UNAUTHENTICATED, /invalid auth token/, wrongPassword),
  row(Code.FAILED_PRECONDITION, /authentication is not enabled/, authDisabled),
  row(Code.PERMISSION_DENIED, /permission denied/, denied),
  row(Code.RESOURCE_EXHAUSTED, /database space exceeded/, noSpace),
  row(Code.RESOURCE_EXHAUSTED, /message larger than max/, tooLarge),
  row(Code.NOT_FOUND, /requested lease not found/, leaseNotFound),
  row(Code.OUT_OF_RANGE, /required revision has been compacted/, compacted),
  row(Code.OUT_OF_RANGE, /required revision is a future revision/, invalid),
  row(Code.OUT_OF_RANGE, /too large lease TTL/, invalid),
];

/** The typed error for an answer that means "not applied, and it would be so again"; undefined for all others. */
export function refusalOf(error: unknown, what: string): HmEtcdError | undefined {
  if (!(error instanceof CallError)) return undefined;
  return REFUSALS.find(({ code, text }) => code === error.code && text.test(error.message))?.make(
    what,
    error,
  );
}

/** Whether a refusal may concern one operation of several, so that the others would be done without it. */
export function isDivisible(error: unknown): boolean {
  return error instanceof PermissionDeniedError || error instanceof InvalidArgumentError;
}

/** Which of the server's limits a refused request was above. */
export function limitExceededBy({ cause }: HmEtcdError): 'operations' | 'bytes' | undefined {
  if (!(cause instanceof CallError)) return undefined;
  if (cause.message.includes('too many operations')) return 'operations';
  return /too large|larger than max/.test(cause.message) ? 'bytes' : undefined;
}

/** The NOSPACE alarm: etcd refuses whatever puts something. */
export function isNoSpace({ cause }: HmEtcdError): boolean {
  return cause instanceof CallError && cause.message.includes('database space exceeded');
}

/** Nothing was done, and a new token helps: it has expired, or rights were changed since it was given. */
export function isInvalidToken(error: unknown): boolean {
  if (!(error instanceof CallError)) return false;
  return error.code === Code.UNAUTHENTICATED || isStaleToken(error.message);
}

/** As etcd says it where it gives no code: when it ends a watch. */
export function isStaleToken(text: string): boolean {
  return /invalid auth token|revision of auth store is old/.test(text);
}

/** Whether an attempt provably reached no server. */
export function isNotSent(error: unknown): boolean {
  if (error instanceof NotSentError) return true;
  // What gRPC's picker answers while no connection stands; a call that had one ends in other words.
  return (
    error instanceof CallError &&
    error.code === Code.UNAVAILABLE &&
    error.message.startsWith('No connection established')
  );
}

export function isTimeout(error: unknown): boolean {
  if (error instanceof NotSentError) return error.isSilent;
  return error instanceof CallError && error.code === Code.DEADLINE_EXCEEDED;
}

/** A certificate that is not accepted stays so: there is no use in trying until the deadline. */
export function certificateErrorOf(error: unknown, what: string): AuthenticationError | undefined {
  if (!isNotSent(error)) return undefined;
  const { message } = error as Error;
  if (!/certificate|self.signed|altnames|unable to verify|SSL|wrong version number|EPROTO/i.test(message)) {
    return undefined;
  }
  return new AuthenticationError(
    `${what}: no secure connection: ${lastReason(message)}. Check options.tls (ca, and cert and key where the server asks for them), and that the endpoint speaks https.`,
    { cause: error },
  );
}

/** The transport's own words, without gRPC's around them. */
export function lastReason(message: string): string {
  return message
    .replace(/^No connection established\. Last error: /, '')
    .replace(/\. Resolution note:.*$/s, '')
    .replace(/^Failed to connect \(.*\)$/, 'Failed to connect');
}

/** What to look at when no server could be reached, for that reason. */
export function adviceOn(reason: string): string {
  if (/disconnected before secure TLS/.test(reason)) {
    return 'Check that etcd speaks TLS there: if it does not, the endpoint begins with http.';
  }
  if (reason.startsWith('Failed to connect')) {
    return 'Check that it is etcd that listens there, and whether it speaks TLS: then the endpoint begins with https.';
  }
  return 'Check that etcd runs and has a leader.';
}

function row(code: number, text: RegExp, make: Row['make']): Row {
  return { code, text, make };
}

function invalid(what: string, cause: Error): HmEtcdError {
  return new InvalidArgumentError(`${what} was refused by etcd: ${cause.message}. Nothing was applied.`, {
    cause,
  });
}

function tooLarge(what: string, cause: Error): HmEtcdError {
  return new InvalidArgumentError(
    `${what} was refused by etcd: ${cause.message}. Nothing was applied. Store less in one value, or raise the server's --max-request-bytes or --max-txn-ops.`,
    { cause },
  );
}

function wrongPassword(what: string, cause: Error): HmEtcdError {
  return new AuthenticationError(
    `${what} was refused by etcd: ${cause.message}. Check options.auth: user name and password.`,
    { cause },
  );
}

function userMissing(what: string, cause: Error): HmEtcdError {
  return new AuthenticationError(
    `${what} was refused by etcd: it asks for a user. Give options.auth, or a client certificate in options.tls.`,
    { cause },
  );
}

function authDisabled(what: string, cause: Error): HmEtcdError {
  return new AuthenticationError(
    `${what} was refused by etcd: authentication is not enabled there. Leave options.auth out, or enable it.`,
    { cause },
  );
}

function denied(what: string, cause: Error): HmEtcdError {
  return new PermissionDeniedError(
    `${what} was refused by etcd: permission denied. Grant the user's role the key range.`,
    { cause },
  );
}

function noSpace(what: string, cause: Error): HmEtcdError {
  return new UnavailableError(
    `${what} was refused by etcd: its database space is exceeded (NOSPACE alarm). Nothing was applied. Compact, defragment and disarm the alarm, or raise --quota-backend-bytes.`,
    { cause },
  );
}

function leaseNotFound(what: string, cause: Error): HmEtcdError {
  return new LeaseNotFoundError(`${what}: the lease is not known.`, { cause });
}

/** etcd does not say here what it still has; whoever needs to know asks by a watch. */
function compacted(what: string, cause: Error): HmEtcdError {
  return new CompactedError(
    `${what}: the revision was compacted. Read the present state and go on from there.`,
    Number.NaN,
    { cause },
  );
}
