import { describe, expect, it } from '@jest/globals';
import type { Operation } from './history.js';
import { hungCalls } from './hung-calls.js';

const LATER = 100_000;

function get(invokedAt: number, returnedAt: number | undefined, deadlineMs?: number): Operation {
  const begun = { id: '1', client: 'p.0', op: 'get', key: 'k', input: null, invokedAt } as const;
  const ended = returnedAt === undefined ? {} : { returnedAt, outcome: 'unknown' as const };
  return { ...begun, ...(deadlineMs === undefined ? {} : { deadlineMs }), ...ended };
}

describe('a call', () => {
  it.each([
    ['in time', get(0, 3999, 3000)],
    ['without a promise', get(0, 50_000)],
    ['of which nobody can tell yet', get(LATER - 500, undefined, 3000)],
  ])('that ended %s is none that hangs', (_, operation) => {
    expect(hungCalls([operation], [], LATER)).toEqual([]);
  });

  it.each([
    ['too late', get(0, 4001, 3000)],
    ['never', get(0, undefined, 3000)],
  ])('that ended %s hangs', (_, operation) => {
    expect(hungCalls([operation], [], LATER)).toHaveLength(1);
  });

  it('has the time that its process was stopped on top', () => {
    const stopped = { process: 'p', from: 0, to: LATER, pauses: [{ from: 1000, to: 9000 }] };
    expect(hungCalls([get(0, 13_000, 3000)], [stopped], LATER)).toEqual([]);
    expect(hungCalls([get(0, 13_001, 3000)], [stopped], LATER)).toHaveLength(1);
  });

  it('ends with its process', () => {
    const killed = { process: 'p', from: 0, to: 2000, pauses: [] };
    expect(hungCalls([get(0, undefined, 3000)], [killed], LATER)).toEqual([]);
  });
});
