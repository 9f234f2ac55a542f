import { describe, expect, it } from '@jest/globals';
import { rejecting } from '../../lib/kvi/rejecting.js';

describe('rejecting', () => {
  it('answers what is answered, by the same promise', () => {
    const answer = Promise.resolve('answer');
    expect(rejecting(() => answer)).toBe(answer);
  });

  it('rejects with the very error that is thrown before there is a promise', async () => {
    const error = new Error('thrown at once');
    const call = rejecting(() => {
      throw error;
    });
    await expect(call).rejects.toBe(error);
  });

  it('leaves a rejection as it is', async () => {
    const error = new Error('rejected');
    await expect(rejecting(() => Promise.reject(error))).rejects.toBe(error);
  });
});
