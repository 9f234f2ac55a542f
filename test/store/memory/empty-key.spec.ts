import { describe, expect, it } from '@jest/globals';
import { InvalidArgumentError } from '../../../lib/store/errors.js';
import { refuseEmptyKey, refuseEmptyKeys } from '../../../lib/store/memory/empty-key.js';
import type { TxnRequest } from '../../../lib/store/store.js';
import { isMissing, nested, put, remove } from './operations.js';

describe('the empty key', () => {
  it.each<[string, TxnRequest]>([
    ['compared', { compare: [isMissing('a'), isMissing('')] }],
    ['put', { success: [put('a'), put('')] }],
    ['deleted', { success: [remove('', 'b')] }],
    ['read', { success: [{ type: 'range', key: '' }] }],
    ['named in the other branch', { failure: [put('')] }],
    ['named in a nested txn', { success: [nested([], { failure: [nested([put('')])] })] }],
  ])('is refused where it is %s', (_, request) => {
    expect(() => refuseEmptyKeys(request)).toThrow(InvalidArgumentError);
  });

  it('is refused where a span begins with it', () => {
    expect(() => refuseEmptyKey({ key: '', rangeEnd: 'b' })).toThrow(InvalidArgumentError);
  });

  it('is no other: empty values, and keys of the smallest character, pass', () => {
    const request = { compare: [isMissing('\0')], success: [put('a', ''), nested([put('\0')])] };
    expect(() => refuseEmptyKeys(request)).not.toThrow();
  });
});
