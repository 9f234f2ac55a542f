import { describe, expect, it } from '@jest/globals';
import * as errors from '../../lib/store/errors.js';

const { CompactedError, HmEtcdError, isHistoryGone, isOurs, ...others } = errors;

describe('The errors of the store', () => {
  it.each(Object.entries(others))('%s has its name, a stable code, its cause, and its root', (name, Type) => {
    const cause = new Error('underneath');
    const error = new Type('What went wrong.', { cause });
    expect(error).toBeInstanceOf(HmEtcdError);
    expect(error).toBeInstanceOf(Error);
    const code = `ERR_HMETCD_${name
      .replace(/Error$/, '')
      .replace(/(?<=[a-z])(?=[A-Z])/g, '_')
      .toUpperCase()}`;
    const message = `What went wrong. See https://www.npmjs.com/package/nestjs-hmetcd#${code.toLowerCase()}`;
    expect(error).toMatchObject({ name, code, message, cause });
    expect(Type.code).toBe(code);
    expect(Object.keys(error)).toContain('code');
  });

  it('tell one address, their own, also where they tell of another error', () => {
    const cause = new errors.AuthenticationError('no password.');
    const { message } = new errors.UnavailableError(`There was no token: ${cause.message} Try again.`);
    expect(message).toBe(
      'There was no token: no password. Try again. See https://www.npmjs.com/package/nestjs-hmetcd#err_hmetcd_unavailable',
    );
  });

  it('CompactedError says from where on changes can be had', () => {
    const error = new CompactedError('gone', 12);
    expect(error).toMatchObject({ name: 'CompactedError', code: 'ERR_HMETCD_COMPACTED', revision: 12 });
    expect(error).toBeInstanceOf(HmEtcdError);
  });

  it('tell when only a fresh look helps', () => {
    expect(isHistoryGone(new CompactedError('', 1))).toBe(true);
    expect(isHistoryGone(new errors.StoreReplacedError(''))).toBe(true);
    expect(isHistoryGone(new errors.UnavailableError(''))).toBe(false);
  });

  it('have codes of their own', () => {
    const codes = [...Object.values(others).map((Type) => new Type('').code), new CompactedError('', 1).code];
    expect(new Set(codes).size).toBe(codes.length);
  });
});

it('an error of this library is told from whatever else may be thrown', () => {
  const { proxy, revoke } = Proxy.revocable(new errors.ClosedError(''), {});
  revoke();
  expect(isOurs(new errors.ClosedError(''))).toBe(true);
  expect([new Error(''), undefined, 'ClosedError', proxy].map(isOurs)).toEqual([false, false, false, false]);
});
