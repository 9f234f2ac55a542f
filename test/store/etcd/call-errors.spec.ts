import { expect, it } from '@jest/globals';
import { CallError } from '../../../lib/store/etcd/call-errors.js';

it('what a server says is one line of a message, and no book', () => {
  expect(new CallError(14, 'no leader\r\n[error] forged').message).toBe('no leader [error] forged');
  expect(new CallError(14, undefined).message).toBe('');
  expect(new CallError(14, 'x'.repeat(1_000_000)).message).toHaveLength(1000);
});
