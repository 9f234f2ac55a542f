import { describe, expect, it } from '@jest/globals';
import type { Operation, Outcome } from './history.js';
import { Replay } from './replay.js';
import { put } from './support/changes.js';
import { writtenOnceViolations } from './written-once.js';

const TIMES = { id: '1', client: 'p.0', key: 'k', invokedAt: 0, returnedAt: 1 } as const;

const store = (outcome: Outcome<null>): Operation => ({ ...TIMES, op: 'store', input: 'v', outcome });
const tas = (outcome: Outcome<boolean>): Operation => ({
  ...TIMES,
  op: 'tas',
  input: { test: 'u', set: 'v' },
  outcome,
});
const transaction = (outcome: Outcome<boolean>): Operation => ({
  ...TIMES,
  op: 'transaction',
  input: { operator: '=', value: 'u', thenValue: 'v', elseValue: 'w' },
  outcome,
});
const neverTold: Operation = { id: '1', client: 'p.0', key: 'k', invokedAt: 0, op: 'create', input: 'v' };

const written = (...values: string[]): Replay =>
  new Replay(values.map((value, index) => put('k', value, index + 2)));

const violations = (operation: Operation, replay: Replay): string[] =>
  writtenOnceViolations([operation], replay);

describe('a write', () => {
  it.each<[string, Operation, string[]]>([
    ['acknowledged', store({ ok: null }), ['v']],
    ['false', tas({ ok: false }), []],
    ['true', tas({ ok: true }), ['v']],
    ['unknown and applied', store('unknown'), ['v']],
    ['unknown and lost', store('unknown'), []],
    ['never told of and applied', neverTold, ['v']],
    ['not applied', store('not applied'), []],
    ['one branch, true', transaction({ ok: true }), ['v']],
    ['one branch, false', transaction({ ok: false }), ['w']],
    ['one branch, unknown', transaction('unknown'), ['w']],
  ])('that was %s may be there as often as %j', (_, operation, values) => {
    expect(violations(operation, written(...values))).toEqual([]);
  });

  it.each<[string, Operation, string[]]>([
    ['acknowledged', store({ ok: null }), []],
    ['acknowledged', store({ ok: null }), ['v', 'v']],
    ['false', tas({ ok: false }), ['v']],
    ['unknown', store('unknown'), ['v', 'v']],
    ['not applied', store('not applied'), ['v']],
    ['the other branch', transaction({ ok: true }), ['v', 'w']],
    ['the other branch', transaction({ ok: false }), ['v']],
  ])('that was %s may not be there as often as %j', (_, operation, values) => {
    expect(violations(operation, written(...values))).not.toEqual([]);
  });

  it('is not invented', () => {
    expect(violations(store({ ok: null }), written('v', 'x'))).toEqual(['nobody wrote k = "x" at 3']);
  });
});
