import { describe, expect, it } from '@jest/globals';
import {
  AuthenticationError,
  CompactedError,
  InvalidArgumentError,
  LeaseNotFoundError,
  PermissionDeniedError,
  UnavailableError,
} from '../../../lib/store/errors.js';
import { CallError, NotSentError } from '../../../lib/store/etcd/call-errors.js';
import {
  adviceOn,
  certificateErrorOf,
  isInvalidToken,
  isNotSent,
  isStaleToken,
  isTimeout,
  lastReason,
  refusalOf,
} from '../../../lib/store/etcd/error-table.js';

const [OUTER_ERROR, DEADLINE, UNAVAILABLE, UNAUTHENTICATED] = [2, 4, 14, 16];

describe('refusalOf', () => {
  it.each([
    [3, 'etcdserver: key is not provided', InvalidArgumentError],
    [3, 'etcdserver: value is provided', InvalidArgumentError],
    [3, 'etcdserver: lease is provided', InvalidArgumentError],
    [3, 'etcdserver: duplicate key given in txn request', InvalidArgumentError],
    [3, 'etcdserver: too many operations in txn request', InvalidArgumentError],
    [3, 'etcdserver: request is too large', InvalidArgumentError],
    [3, 'etcdserver: authentication failed, invalid user ID or password', AuthenticationError],
    [3, 'etcdserver: user name is empty', AuthenticationError],
    [16, 'etcdserver: invalid auth token', AuthenticationError],
    [9, 'etcdserver: authentication is not enabled', AuthenticationError],
    [7, 'etcdserver: permission denied', PermissionDeniedError],
    [8, 'etcdserver: mvcc: database space exceeded', UnavailableError],
    [8, 'grpc: received message larger than max (2097164 vs. 2097152)', InvalidArgumentError],
    [5, 'etcdserver: requested lease not found', LeaseNotFoundError],
    [11, 'etcdserver: mvcc: required revision has been compacted', CompactedError],
    [11, 'etcdserver: mvcc: required revision is a future revision', InvalidArgumentError],
    [11, 'etcdserver: too large lease TTL', InvalidArgumentError],
  ])('gives %d "%s" its type, its cause and what was tried', (code, text, type) => {
    const cause = new CallError(code, text);
    const error = refusalOf(cause, 'A write');

    expect(error).toBeInstanceOf(type);
    expect(error!.message).toMatch(/^A write/);
    expect(error!.cause).toBe(cause);
  });

  it.each([
    [UNAVAILABLE, 'etcdserver: request timed out, possibly due to previous leader failure'],
    [UNAVAILABLE, 'etcdserver: request timed out'],
    [UNAVAILABLE, 'etcdserver: leader changed'],
    [UNAVAILABLE, 'etcdserver: no leader'],
    [UNAVAILABLE, 'etcdserver: permission denied'],
    [OUTER_ERROR, 'etcdserver: key is not provided'],
    [1, 'Cancelled on client'],
    [DEADLINE, 'no answer within 1500 ms'],
    [8, 'etcdserver: too many requests'],
    [13, 'Received RST_STREAM with code 2'],
    [3, 'something new'],
  ])('leaves %d "%s" ambiguous', (code, text) => {
    expect(refusalOf(new CallError(code, text), 'A write')).toBeUndefined();
  });

  it('knows nothing of errors that no server gave', () => {
    expect(refusalOf(new NotSentError('etcdserver: permission denied', false), 'A write')).toBeUndefined();
    expect(refusalOf(new Error('etcdserver: permission denied'), 'A write')).toBeUndefined();
  });
});

describe('isInvalidToken', () => {
  it('is true where a new token helps', () => {
    expect(isInvalidToken(new CallError(UNAUTHENTICATED, 'etcdserver: invalid auth token'))).toBe(true);
    expect(isInvalidToken(new CallError(3, 'etcdserver: revision of auth store is old'))).toBe(true);
    expect(isStaleToken('rpc error: code = Unauthenticated desc = etcdserver: invalid auth token')).toBe(
      true,
    );
  });

  it('is false where it does not', () => {
    expect(isInvalidToken(new CallError(7, 'etcdserver: permission denied'))).toBe(false);
    expect(isInvalidToken(new Error('etcdserver: invalid auth token'))).toBe(false);
    expect(isStaleToken('etcdserver: permission denied')).toBe(false);
  });
});

describe('isNotSent', () => {
  it('is true only for what cannot have reached a server', () => {
    const refused = 'No connection established. Last error: connect ECONNREFUSED 127.0.0.1:2379';
    expect(isNotSent(new NotSentError('no connection', false))).toBe(true);
    expect(isNotSent(new CallError(UNAVAILABLE, refused))).toBe(true);
    expect(isNotSent(new CallError(UNAVAILABLE, 'Connection dropped'))).toBe(false);
    expect(isNotSent(new CallError(UNAVAILABLE, 'read ECONNRESET'))).toBe(false);
    expect(isNotSent(new CallError(OUTER_ERROR, refused))).toBe(false);
    expect(isNotSent(new Error(refused))).toBe(false);
  });
});

describe('isTimeout', () => {
  it('is true where nobody said anything', () => {
    expect(isTimeout(new CallError(DEADLINE, 'no answer'))).toBe(true);
    expect(isTimeout(new NotSentError('no connection', true))).toBe(true);
    expect(isTimeout(new NotSentError('refused', false))).toBe(false);
    expect(isTimeout(new CallError(UNAVAILABLE, 'read ECONNRESET'))).toBe(false);
  });
});

describe('certificateErrorOf', () => {
  it.each([
    'self-signed certificate in certificate chain',
    'unable to verify the first certificate',
    "Hostname/IP does not match certificate's altnames",
    'write EPROTO 0A000086:SSL routines::certificate verify failed',
    'ssl3_get_record:wrong version number',
  ])('takes "%s" for one', (reason) => {
    const error = certificateErrorOf(
      new CallError(UNAVAILABLE, `No connection established. Last error: ${reason}. Resolution note: `),
      'Connecting',
    );
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error!.message).toContain(`no secure connection: ${reason}. Check options.tls`);
  });

  it('takes nothing for one that may have reached a server, or that may pass', () => {
    const dropped = new CallError(UNAVAILABLE, 'Connection dropped: self-signed certificate');
    const refused = new CallError(UNAVAILABLE, 'No connection established. Last error: connect ECONNREFUSED');
    expect(certificateErrorOf(dropped, 'A read')).toBeUndefined();
    expect(certificateErrorOf(refused, 'A read')).toBeUndefined();
  });
});

describe('lastReason', () => {
  it("leaves the transport's own words", () => {
    const around = (reason: string): string =>
      `No connection established. Last error: ${reason}. Resolution note: `;
    expect(lastReason(around('connect ECONNREFUSED 127.0.0.1:1'))).toBe('connect ECONNREFUSED 127.0.0.1:1');
    expect(lastReason(around('Failed to connect (2026-01-01T00:00:00.000Z)'))).toBe('Failed to connect');
    expect(lastReason('etcdserver: no leader')).toBe('etcdserver: no leader');
  });
});

describe('adviceOn', () => {
  it('names the scheme where that is the likely mistake', () => {
    expect(adviceOn('Failed to connect')).toMatch(/begins with https\./);
    expect(adviceOn('Client network socket disconnected before secure TLS connection')).toMatch(
      /begins with http\./,
    );
    expect(adviceOn('connect ECONNREFUSED 127.0.0.1:1')).toMatch(/runs and has a leader/);
  });
});
