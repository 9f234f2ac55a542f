import { describe, expect, it } from '@jest/globals';
import type { Interval, Operation } from './history.js';
import { lockViolations } from './lock-history.js';
import { deletion, put } from './support/changes.js';
import { withRevocations } from './revocations.js';

const KEYS = [put('l/one', '', 5), put('l/two', '', 6), deletion('l/one', 7)];
const heard = (revision: number): Interval => ({ from: revision * 100 - 100, to: revision * 100 });

const common = { key: 'l', outcome: { ok: null } } as const;
const history: Operation[] = [
  {
    ...common,
    id: '1',
    client: 'p.0',
    op: 'acquire',
    input: null,
    invokedAt: 0,
    returnedAt: 500,
    outcome: { ok: 5 },
  },
  {
    ...common,
    id: '2',
    client: 'q.0',
    op: 'acquire',
    input: null,
    invokedAt: 0,
    returnedAt: 710,
    outcome: { ok: 6 },
  },
  {
    ...common,
    id: '3',
    client: 'p.0',
    op: 'assert',
    input: 5,
    invokedAt: 750,
    returnedAt: 750,
    outcome: { ok: true },
  },
  { ...common, id: '4', client: 'p.0', op: 'lost', input: 5, invokedAt: 800, returnedAt: 800 },
];

describe('a hold whose lease was revoked', () => {
  it('ends with the beginning of the revocation', () => {
    expect(lockViolations(history, [], [])).not.toEqual([]);
    const revoked = withRevocations(history, KEYS, [{ from: 600, to: 690 }], heard);
    expect(lockViolations(revoked, [], [])).toEqual([]);
  });

  it("was nobody's when it was granted after that beginning", () => {
    const late = history.map((one) => (one.id === '1' ? { ...one, returnedAt: 720 } : one));
    expect(lockViolations(late, [], [])).not.toEqual([]);
    const revoked = withRevocations(late, KEYS, [{ from: 600, to: 690 }], heard);
    expect(revoked.map(({ id }) => id)).toEqual(['2']);
    expect(lockViolations(revoked, [], [])).toEqual([]);
  });

  it('is none whose key was deleted at another time, or not at all', () => {
    for (const revocation of [
      { from: 710, to: 750 },
      { from: -3000, to: -2000 },
    ])
      expect(lockViolations(withRevocations(history, KEYS, [revocation], heard), [], [])).not.toEqual([]);
    const still = withRevocations(history, KEYS.slice(0, 2), [{ from: 600, to: 690 }], heard);
    expect(lockViolations(still, [], [])).not.toEqual([]);
  });
});
