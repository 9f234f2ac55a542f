import { describe, expect, it } from '@jest/globals';
import type { Life, Operation } from './history.js';
import { type Hold, holdsOf, overlaps, withUntoldEnds } from './holds.js';
import { checkLinearizability } from './linearizability.js';
import { Lives } from './lives.js';
import { mutex, type MutexOperation } from './mutex.model.js';
import { acquire, held, lost, release } from './support/operations.js';

const A = { client: 'a.1' };
const B = { client: 'b.1' };
const UNDISTURBED = new Lives([]);

describe('a hold', () => {
  const endsAt = (operations: readonly Operation[], lives: readonly Life[] = []): number[] =>
    holdsOf(operations, new Lives(lives)).map(({ endedAt }) => endedAt);

  it('begins with the answer, and ends with the call of release', () => {
    expect(holdsOf([acquire(5, [1, 2], A), release(5, [7, 9], A)], UNDISTURBED)).toEqual([
      { name: 'k', token: 5, process: 'a', askedAt: 1, grantedAt: 2, endedAt: 7 },
    ]);
  });

  it('or with its loss, or with its process, or not at all', () => {
    const got = acquire(5, [1, 2], A);
    expect(endsAt([got, lost(5, 6), release(5, [7, 9])])).toEqual([6]);
    expect(endsAt([got, release(5, [7, 9])], [{ process: 'a', from: 0, to: 4, pauses: [] }])).toEqual([4]);
    expect(endsAt([got, lost(6, 6), { ...lost(5, 6), key: 'other' }])).toEqual([Infinity]);
  });
});

describe('overlaps', () => {
  const hold = (process: string, grantedAt: number, endedAt: number, name = 'k'): Hold => ({
    name,
    process,
    token: grantedAt,
    askedAt: grantedAt,
    grantedAt,
    endedAt,
  });

  it('are of one name, and share more than a moment', () => {
    expect(overlaps([hold('a', 1, 5), hold('b', 5, 9), hold('c', 1, 9, 'other')], UNDISTURBED)).toEqual([]);
    const [first, inner, last] = [hold('a', 1, 9), hold('b', 2, 3), hold('c', 8, 12)];
    expect(overlaps([last, inner, first], UNDISTURBED)).toEqual([
      [first, inner],
      [first, last],
    ]);
  });

  it('are excused while one of the two is stopped, and no longer', () => {
    const lives = new Lives([{ process: 'a', from: 0, to: Infinity, pauses: [{ from: 2000, to: 5000 }] }]);
    expect(overlaps([hold('a', 1000, 5900), hold('b', 3000, 7000)], lives)).toEqual([]);
    expect(overlaps([hold('a', 1000, 6100), hold('b', 3000, 7000)], lives)).toHaveLength(1);
    expect(overlaps([hold('a', 1000, 5900), hold('b', 1900, 7000)], lives)).toHaveLength(1);
  });
});

describe('ends that nobody told of', () => {
  const violations = (operations: readonly Operation[], lives: readonly Life[]): readonly string[] =>
    checkLinearizability(
      withUntoldEnds(operations, new Lives(lives)) as MutexOperation[],
      () => mutex(),
      20_000,
    ).violations;

  it('let a lock go on after its holder was killed, not before', () => {
    const killedAt = (to: number): Life[] => [{ process: 'a', from: 0, to, pauses: [] }];
    const history = [acquire(5, [1, 2], A), acquire(8, [3, 20], B)];
    expect(violations(history, killedAt(15))).toEqual([]);
    expect(violations(history, killedAt(21))).toHaveLength(1);
    expect(violations(history, [])).toHaveLength(1);
  });

  it('let one that was stopped hear late of its loss, and not assert a hold after the grant of another', () => {
    const lives: Life[] = [{ process: 'a', from: 0, to: Infinity, pauses: [{ from: 10, to: 9000 }] }];
    const history = [acquire(5, [1, 2], A), acquire(8, [3, 4000], B), lost(5, 9050, A)];
    expect(violations(history, lives)).toEqual([]);
    expect(violations(history, [])).toHaveLength(1);
    expect(violations([...history, held(5, [9001, 9001], A)], lives)).toHaveLength(1);
  });

  it('let one that was killed while it was stopped lose it meanwhile', () => {
    const history = [acquire(5, [1, 2], A), acquire(8, [3, 4000], B)];
    expect(
      violations(history, [{ process: 'a', from: 0, to: 9000, pauses: [{ from: 10, to: 9000 }] }]),
    ).toEqual([]);
    expect(violations(history, [{ process: 'a', from: 0, to: 9000, pauses: [] }])).toHaveLength(1);
  });
});
