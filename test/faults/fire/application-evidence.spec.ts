import { describe, expect, it } from '@jest/globals';
import { PUT } from '../../../lib/kvi/key-change.js';
import { machineMs } from '../../support/machine-ms.js';
import type { Life, Operation } from '../checkers/history.js';
import { acquire, held, lost, release } from '../checkers/support/operations.js';
import {
  dueTicks,
  leadershipVerdict,
  membershipVerdict,
  termsBesideMethods,
  tickVerdict,
} from './application-evidence.js';

const living = (process: string, pauses: Life['pauses'] = []): Life => ({
  process,
  from: 0,
  to: Infinity,
  pauses,
});

describe('terms', () => {
  const A = { client: 'a.1' };
  const B = { client: 'b.1' };
  const write = (token: number, revision: number, key = 'app/fenced/1') => ({
    key,
    value: JSON.stringify({ token }),
    revision,
    op: PUT,
  });

  it('that follow each other are fine, and what one writes before another', () => {
    const a = [acquire(5, [10, 10], A), held(5, [15, 15], A), lost(5, 20, A), release(5, [40, 40], A)];
    const b = [acquire(7, [30, 30], B), release(7, [60, 60], B), acquire(9, [70, 70], A)];
    const changes = [write(5, 6), write(7, 8), { ...write(1, 9), key: 'app/other' }];
    expect(leadershipVerdict([...a, ...b], [], changes)).toEqual([]);
  });

  it.each<[string, RegExp, Operation[], ReturnType<typeof write>[]]>([
    ['of two at once', /^Two lead: .*5 by a.*7 by b/, [acquire(5, [10, 10], A), acquire(7, [30, 30], B)], []],
    [
      'that are asserted after the next began',
      /^assert\(k, 5\) → true/,
      [acquire(5, [10, 10], A), lost(5, 20, A), held(5, [31, 31], A), acquire(7, [30, 30], B)],
      [],
    ],
    [
      'with writes out of order',
      /^app\/fenced\/1 has taken a write with token 5/,
      [],
      [write(7, 8), write(5, 9)],
    ],
  ])('are told when there are some %s', (_, words, terms, changes) => {
    expect(leadershipVerdict(terms, [], changes)).toContainEqual(expect.stringMatching(words));
  });

  it('of one process may not begin beside methods of its last one', () => {
    const over = [acquire(5, [10, 10], A), lost(5, 20, A), release(5, [25, 25], A), acquire(7, [30, 30], A)];
    expect(termsBesideMethods(over, [])).toEqual([]);
    const late = [acquire(5, [10, 10], A), lost(5, 20, A), acquire(7, [30, 30], A), release(5, [40, 40], A)];
    expect(termsBesideMethods(late, [])).toEqual([
      expect.stringMatching(/in a with token 7 .* began beside methods of .* token 5/),
    ]);
  });
});

describe('ticks', () => {
  const wallAheadMs = Date.now() - machineMs();
  const second = Math.ceil(Date.now() / 1000);
  const at = (seconds: number): number => (second + seconds) * 1000 - wallAheadMs;
  const quiet = { from: at(0.5), to: at(9.5), sessionTtlSec: 3 };
  const due = [6, 7, 8].map((later) => second + later);
  const run = (job: string, later: number, process = 'a', lateMs = 5) => ({
    job,
    tick: second + later,
    process,
    lateMs,
  });
  const right = [6, 7, 8].flatMap((later) => [run('guarded', later), run('noted', later, 'b')]);

  it('are due when the leases of before are over, and nobody is late', () => {
    expect(dueTicks([living('a')], quiet)).toEqual(due);
    expect(dueTicks([living('a', [{ from: at(6.2), to: at(6.3) }])], quiet)).toEqual([second + 8]);
  });

  it('may be run twice by the guarded job before', () => {
    const early = [run('guarded', 2), run('guarded', 2, 'b'), run('noted', 2)];
    expect(tickVerdict([...early, ...right], [], quiet)).toEqual([]);
  });

  it('may be run twice or not at all beside a run that began late', () => {
    const late = [run('guarded', 7, 'a', 301), run('guarded', 7, 'b'), run('noted', 8)];
    expect(tickVerdict([...late, run('noted', 7), run('noted', 6)], [], quiet)).toEqual([]);
  });

  it.each([
    ['the guarded job twice', [...right, run('guarded', 7, 'c')], 'was run by a and c'],
    ['the other twice, at any time', [...right, run('noted', 1), run('noted', 1, 'c')], 'was run by a and c'],
    ['a job not at all', right.slice(1), 'was not run'],
  ])('are told when they run %s', (_, runs, words) => {
    expect(tickVerdict(runs, [], quiet)).toEqual([expect.stringContaining(words)]);
  });
});

describe('members', () => {
  const quiet = { from: 10_000, to: 20_000, sessionTtlSec: 3 };
  const seen = (seenBy: string, at: number, ...members: string[]) => ({ at, seenBy, members });
  const lives = [living('a'), living('b')];
  const right = [seen('a', 15_000, 'a', 'b'), seen('b', 19_000, 'b', 'a')];

  it('see each other a lease after the last fault, and may see others before', () => {
    const early = [seen('a', 14_999, 'a', 'dead'), seen('b', 14_000)];
    expect(membershipVerdict([...early, ...right], lives, quiet)).toEqual([]);
  });

  it('are told when they do not', () => {
    expect(membershipVerdict([...right, seen('b', 16_000, 'b')], lives, quiet)).toEqual([
      'b saw [b] at 16000, but there were [a, b]',
    ]);
    expect(membershipVerdict(right.slice(0, 1), lives, quiet)).toEqual(['b has seen nothing since 15000']);
  });
});
