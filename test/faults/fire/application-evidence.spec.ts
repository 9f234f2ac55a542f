import { describe, expect, it } from '@jest/globals';
import { PUT } from '../../../lib/kvi/key-change.js';
import { machineMs } from '../../etcd/support/replicas.js';
import type { Life } from '../checkers/history.js';
import {
  dueTicks,
  leadershipVerdict,
  membershipVerdict,
  sightingsOf,
  termsOf,
  tickRunsOf,
  tickVerdict,
} from './application-evidence.js';

const text = (...lines: object[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');
const living = (process: string, pauses: Life['pauses'] = []): Life => ({
  process,
  from: 0,
  to: Infinity,
  pauses,
});

describe('terms', () => {
  let count = 0;
  const line = (by: string, op: string, at: number, input: number | null, ok: unknown): string => {
    const id = `${by}/${++count}`;
    const begun = { id, client: `${by}.1`, op, key: 'leader', input, invokedAt: at };
    return text(begun, { id, returnedAt: at, outcome: { ok } });
  };
  const elected = (by: string, token: number, at: number): string => line(by, 'acquire', at, null, token);
  const lost = (by: string, token: number, at: number): string => line(by, 'lost', at, token, null);
  const ended = (by: string, token: number, at: number): string => line(by, 'release', at, token, null);
  const asserted = (by: string, token: number, at: number): string => line(by, 'assert', at, token, true);
  const write = (token: number, revision: number, key = 'app/fenced/1') => ({
    key,
    value: JSON.stringify({ token }),
    revision,
    op: PUT,
  });

  it('that follow each other are fine, and what one writes before another', () => {
    const a = elected('a', 5, 10) + asserted('a', 5, 15) + lost('a', 5, 20) + ended('a', 5, 40);
    const b = elected('b', 7, 30) + ended('b', 7, 60);
    const changes = [write(5, 6), write(7, 8), { ...write(1, 9), key: 'app/other' }];
    expect(leadershipVerdict([a, b], [], changes)).toEqual([]);
    expect(termsOf([a, b], []).map(({ process, endedAt }) => [process, endedAt])).toEqual([
      ['a', 20],
      ['b', 60],
    ]);
  });

  it.each<[string, RegExp, string[], ReturnType<typeof write>[]]>([
    ['of two at once', /^Two lead: .*5 by a.*7 by b/, [elected('a', 5, 10), elected('b', 7, 30)], []],
    [
      'that are asserted after the next began',
      /^assert\(leader, 5\) → true/,
      [elected('a', 5, 10) + lost('a', 5, 20) + asserted('a', 5, 31), elected('b', 7, 30)],
      [],
    ],
    [
      'that begin beside methods of the last one',
      /in a with token 7 .* began beside methods of .* token 5/,
      [elected('a', 5, 10) + lost('a', 5, 20) + elected('a', 7, 30) + ended('a', 5, 40)],
      [],
    ],
    [
      'with writes out of order',
      /^app\/fenced\/1 has taken a write with token 5/,
      [],
      [write(7, 8), write(5, 9)],
    ],
  ])('are told when there are some %s', (_, words, journals, changes) => {
    expect(leadershipVerdict(journals, [], changes)).toContainEqual(expect.stringMatching(words));
  });
});

describe('ticks', () => {
  const wallAheadMs = Date.now() - machineMs();
  const second = Math.ceil(Date.now() / 1000);
  const at = (seconds: number): number => (second + seconds) * 1000 - wallAheadMs;
  const quiet = { from: at(0.5), to: at(9.5), sessionTtlSec: 3 };
  const due = [6, 7, 8].map((later) => second + later);
  const run = (job: string, later: number, process = 'a') => ({ job, tick: second + later, process });
  const right = [6, 7, 8].flatMap((later) => [run('guarded', later), run('noted', later, 'b')]);

  it('are due when the leases of before are over, and nobody is late', () => {
    expect(dueTicks([living('a')], quiet)).toEqual(due);
    expect(dueTicks([living('a', [{ from: at(6.2), to: at(6.3) }])], quiet)).toEqual([second + 8]);
  });

  it('may be run twice by the guarded job before', () => {
    const early = [run('guarded', 2), run('guarded', 2, 'b'), run('noted', 2)];
    expect(tickVerdict([text(...early), text(...right)], [], quiet)).toEqual([]);
    expect(tickRunsOf([text(...early), text(...right)])).toEqual([...early, ...right]);
  });

  it.each([
    ['the guarded job twice', [...right, run('guarded', 7, 'c')], 'was run by a and c'],
    ['the other twice, at any time', [...right, run('noted', 1), run('noted', 1, 'c')], 'was run by a and c'],
    ['a job not at all', right.slice(1), 'was not run'],
  ])('are told when they run %s', (_, runs, words) => {
    expect(tickVerdict([text(...runs)], [], quiet)).toEqual([expect.stringContaining(words)]);
  });
});

describe('members', () => {
  const quiet = { from: 10_000, to: 20_000, sessionTtlSec: 3 };
  const seen = (seenBy: string, at: number, ...members: string[]) => ({ at, seenBy, members });
  const lives = [living('a'), living('b')];
  const right = [seen('a', 15_000, 'a', 'b'), seen('b', 19_000, 'b', 'a')];

  it('see each other a lease after the last fault, and may see others before', () => {
    const journals = [text(seen('a', 14_999, 'a', 'dead'), right[0]!), text(right[1]!)];
    expect(membershipVerdict(journals, lives, quiet)).toEqual([]);
    expect(sightingsOf(journals)).toHaveLength(3);
  });

  it('are told when they do not', () => {
    expect(membershipVerdict([text(...right, seen('b', 16_000, 'b'))], lives, quiet)).toEqual([
      'b saw [b] at 16000, but there were [a, b]',
    ]);
    expect(membershipVerdict([text(right[0]!)], lives, quiet)).toEqual(['b has seen nothing since 15000']);
  });
});
