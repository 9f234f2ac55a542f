import { isIP } from 'node:net';
import { types } from 'node:util';
import { InvalidArgumentError } from '../store/errors.js';
import { unfailing } from './unfailing-logger.js';
import {
  checkBoolean,
  checkKey,
  checkLockName,
  checkValue,
  isRecord,
  readArray,
  readFields,
  refuse,
  refuseNumber,
} from './validate.js';

/**
 * How to reach a store and how patient to be. Every field may be left out.
 *
 * @publicApi
 */
export interface KviOptions {
  /**
   * Put before every key, lock keys included, and taken off again: several applications on one etcd.
   *
   * @default '' no namespace
   */
  readonly namespace?: string;

  /** PEM texts or buffers: the server's CA; the client's certificate and key for mutual TLS. https only. */
  readonly tls?: TlsOptions;

  /** An etcd user. http(s) only. */
  readonly auth?: AuthOptions;

  /**
   * Milliseconds within which the store must answer when the handle is opened.
   *
   * @default 5000
   */
  readonly connectTimeoutMs?: number;

  /**
   * Milliseconds for one call, all its retries included. What reads a range reads it in pages, and each page has this time,
   * counted from the one before: a large range may take longer as long as it goes on, an outage does not take it twice.
   * So it is for `observe` with its pages and its watch. Waiting for a lock, or for a change, has no part in it.
   *
   * @default 5000
   */
  readonly requestTimeoutMs?: number;

  /**
   * Whether a write whose answer was lost is tried again until its outcome is known, so that it is applied exactly
   * once. What tells the store that it was applied before lies in keys under `\\0hmetcd/`, inside the namespace. `false`
   * is for users who may not write there: such a write then ends with OutcomeUnknownError.
   *
   * @default true
   */
  readonly retryableWrites?: boolean;

  /**
   * Seconds after which a dead process has lost its locks and temporary keys: the TTL of the handle's lease.
   * At least 2.
   *
   * @default 10
   */
  readonly sessionTtlSec?: number;

  /**
   * Milliseconds that `close()` waits for running `withLock` functions and watch callbacks; 0 does not wait.
   *
   * @default 10000
   */
  readonly shutdownTimeoutMs?: number;

  /**
   * The lock of `distLock`, and of `lock` and `@DistLocked` without a name.
   *
   * @default 'hbtd_dist_lock' the original's, so that Go and TypeScript exclude each other
   */
  readonly lockName?: string;

  /**
   * Where messages go.
   *
   * @default console; Nest's Logger with the context HmEtcd in the module
   */
  readonly logger?: HmEtcdLogger;
}

/**
 * What a TLS connection is made with: PEM, as text or bytes.
 *
 * @publicApi
 */
export interface TlsOptions {
  /** The authority that has signed the server's certificate. Left out: those that Node.js trusts. */
  readonly ca?: string | Uint8Array;
  /** The client's certificate, for a server that asks for one; together with {@link key}. */
  readonly cert?: string | Uint8Array;
  /** The key of {@link cert}. */
  readonly key?: string | Uint8Array;
}

/**
 * A user of etcd.
 *
 * @publicApi
 */
export interface AuthOptions {
  /** As `etcdctl user add` was given it. */
  readonly username: string;
  /** Told in no message and no log line. */
  readonly password: string;
}

/**
 * `console`, Nest's `Logger`, or alike. error: a handler threw, a lock or lease was lost; warn: reconnecting,
 * compaction, slow shutdown; log: connected, closed; debug: skipped.
 *
 * @publicApi
 */
export interface HmEtcdLogger {
  /** What was left out on purpose. */
  debug(message: string): void;
  /** What a connection begins and ends with. */
  log(message: string): void;
  /** What mends itself, or may be meant so. */
  warn(message: string): void;
  /** What somebody has to look at. */
  error(message: string): void;
}

/** The options with every default filled in. */
export type ResolvedKviOptions = KviOptions & Required<Omit<KviOptions, 'tls' | 'auth'>>;

/** Each option's check; the module's options go through the same table. */
export const KVI_OPTION_CHECKS = {
  namespace: checkNamespace,
  tls: (name: string, value: unknown) => void readTls(name, value),
  auth: (name: string, value: unknown) => void readAuth(name, value),
  connectTimeoutMs: checkMilliseconds,
  requestTimeoutMs: checkMilliseconds,
  retryableWrites: checkBoolean,
  sessionTtlSec: checkTtl,
  shutdownTimeoutMs: checkPatience,
  lockName: checkLockName,
  logger: checkLogger,
};

/**
 * Checks the options and fills in the defaults, which are written here and nowhere else.
 *
 * @throws InvalidArgumentError that names the option and what it may be
 */
export function resolveKviOptions(options: KviOptions = {}): ResolvedKviOptions {
  const given = readFields<KviOptions>('options', options, KVI_OPTION_CHECKS);
  return {
    tls: given.tls && readTls('options.tls', given.tls),
    auth: given.auth && readAuth('options.auth', given.auth),
    namespace: given.namespace ?? '',
    connectTimeoutMs: given.connectTimeoutMs ?? 5000,
    requestTimeoutMs: given.requestTimeoutMs ?? 5000,
    retryableWrites: given.retryableWrites ?? true,
    sessionTtlSec: given.sessionTtlSec ?? 10,
    shutdownTimeoutMs: given.shutdownTimeoutMs ?? 10_000,
    lockName: given.lockName ?? 'hbtd_dist_lock',
    logger: unfailing(given.logger ?? console),
  };
}

/** Which store, told by its endpoint. */
export type Endpoint =
  | { readonly kind: 'memory'; readonly name: string }
  | { readonly kind: 'etcd'; readonly urls: readonly string[] };

/**
 * Reads `mem:`, `mem:NAME`, or one or several http(s) URLs, as an array or separated by commas.
 *
 * @throws InvalidArgumentError
 */
export function parseEndpoint(argument: string, endpoint: unknown): Endpoint {
  const parts = endpointParts(argument, endpoint);
  const memory = parts.find((part) => part.startsWith('mem:'));
  if (memory === undefined) return { kind: 'etcd', urls: parts.map((part) => checkUrl(argument, part)) };
  if (parts.length > 1) throw malformed(argument, 'mem: stands alone');
  return { kind: 'memory', name: memory.slice('mem:'.length) };
}

/** As messages and telemetry name it. */
export function describeEndpoint(place: Endpoint): string {
  return place.kind === 'memory' ? `mem:${place.name}` : place.urls.join(', ');
}

function endpointParts(argument: string, endpoint: unknown): string[] {
  const given = typeof endpoint === 'string' ? [endpoint] : readArray(argument, ENDPOINT_FORMS, endpoint);
  const parts = given.flatMap((part) => {
    if (typeof part !== 'string') throw refuse(argument, ENDPOINT_FORMS, part);
    return part.split(',').map((text) => text.trim());
  });
  if (parts.length === 0) throw refuse(argument, ENDPOINT_FORMS, endpoint);
  if (parts.length > MOST_ENDPOINTS) throw malformed(argument, `it names more than ${MOST_ENDPOINTS}`);
  return parts;
}

/** Far more than a cluster has members: each is connected to. */
const MOST_ENDPOINTS = 100;

const ENDPOINT_FORMS =
  "'mem:', 'mem:NAME', 'http://host:2379' or 'https://host:2379', or several of the latter";

/** The endpoint itself stays out of the message: it may hold a password. */
function malformed(argument: string, why: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `${argument} must be ${ENDPOINT_FORMS}, but is not: ${why}. Nothing was sent.`,
  );
}

function checkUrl(argument: string, text: string): string {
  if (!/^https?:\/\//.test(text))
    throw malformed(argument, 'it does not begin with http://, https:// or mem:');
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw malformed(argument, 'it is no URL');
  }
  if (url.username !== '' || url.password !== '')
    throw malformed(argument, 'the user belongs into options.auth');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw malformed(argument, 'only a scheme, a host and a port are allowed');
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) === 0 && !/^[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?\.?$/i.test(host)) {
    throw malformed(argument, 'its host is no name and no address');
  }
  return url.origin;
}

function checkNamespace(argument: string, namespace: unknown): void {
  checkValue(argument, namespace);
  if (namespace !== '') checkKey(argument, namespace);
}

export function checkMilliseconds(argument: string, ms: unknown): void {
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms <= 0) {
    throw refuseNumber(argument, 'a finite number of milliseconds above 0', ms);
  }
}

/** 0 is an answer here: do not wait. */
export function checkPatience(argument: string, ms: unknown): void {
  if (ms !== 0) checkMilliseconds(argument, ms);
}

/** Below 2 s no margin of half a second fits between our deadline and the store's. */
function checkTtl(argument: string, ttlSec: unknown): void {
  if (!Number.isSafeInteger(ttlSec) || (ttlSec as number) < 2) {
    throw refuseNumber(argument, 'a whole number of seconds, 2 or more', ttlSec);
  }
}

function readTls(argument: string, given: unknown): TlsOptions {
  const checkPem = (name: string, pem: unknown): void => {
    if (typeof pem !== 'string' && !types.isUint8Array(pem)) throw refuse(name, 'PEM text or a buffer', pem);
  };
  const tls = readFields<TlsOptions>(argument, given, { ca: checkPem, cert: checkPem, key: checkPem });
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new InvalidArgumentError(
      `${argument}.cert and ${argument}.key must be given together. Nothing was sent.`,
    );
  }
  return tls;
}

function readAuth(argument: string, given: unknown): AuthOptions {
  const checkText = (name: string, text: unknown): void => {
    if (typeof text !== 'string' || text === '') throw refuse(name, 'a non-empty string', text);
  };
  const auth = readFields<AuthOptions>(argument, given, { username: checkText, password: checkText });
  checkText(`${argument}.username`, auth.username);
  checkText(`${argument}.password`, auth.password);
  return auth;
}

function checkLogger(argument: string, logger: unknown): void {
  if (!isLogger(logger)) {
    throw refuse(argument, 'an object with the functions debug, log, warn and error', logger);
  }
}

function isLogger(given: unknown): boolean {
  try {
    return (
      isRecord(given) &&
      ['debug', 'log', 'warn', 'error'].every((level) => typeof given[level] === 'function')
    );
  } catch {
    return false;
  }
}
