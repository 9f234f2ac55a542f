import { describe, expect, it } from '@jest/globals';
import { explore, type Model } from './explore.js';

/** Two taps that fill a bucket of eight litres, which must never be full. */
function bucket(taps: readonly number[], full: number): Model<number> {
  return {
    initial: 0,
    *steps(litres) {
      for (const tap of taps) if (litres + tap <= 8) yield { what: `${tap} more`, state: litres + tap };
    },
    violation: (litres) => (litres === full ? 'full' : undefined),
  };
}

describe('explore', () => {
  it('counts each state once when nothing is wrong', () => {
    expect(explore(bucket([2, 4], 7))).toEqual({ states: 5 });
  });

  it('finds a shortest way to what is wrong', () => {
    expect(explore(bucket([1, 3], 7)).counterexample).toEqual({
      violation: 'full',
      steps: ['1 more', '3 more', '3 more'],
    });
  });

  it('looks at the first state, too', () => {
    expect(explore(bucket([1], 0)).counterexample).toEqual({ violation: 'full', steps: [] });
  });
});
