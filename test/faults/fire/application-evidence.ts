import type { KeyChange } from '../../../lib/kvi/key-change.js';
import { machineMs } from '../../etcd/support/replicas.js';
import { type Interval, type Life, type Operation, readHistory, wholeLines } from '../checkers/history.js';
import { type Hold, holdInWords, holdsOf, overlaps } from '../checkers/holds.js';
import { leadershipViolations } from '../checkers/leadership.js';
import { Lives } from '../checkers/lives.js';
import { type FencedWrite, lockViolations } from '../checkers/lock-history.js';
import { membershipViolations, type Sighting } from '../checkers/membership.js';
import { type TickRun, tickViolations } from '../checkers/once-per-tick.js';

// What the journals of applications (workloads/application.mjs) prove. A journal is the text of a file.

const FENCED = 'app/fenced/';

/** Of a schedule's timer. */
const EARLY_MS = 50;

/** From the end of the last fault to the end of the run. */
export interface Quiet extends Interval {
  readonly sessionTtlSec: number;
}

/** Terms as leader, from the call of `@OnElected` to the loss, or at a shutdown to the end of the last method. */
export function termsOf(journals: readonly string[], lives: readonly Life[]): Hold[] {
  return holdsOf(readHistory(...journals), new Lives(lives));
}

/**
 * Never two leaders, no `assertHeld` of one after the election of the next, no term beside methods of the last one, and
 * fenced writes in the order of terms.
 *
 * @param terms the journals of this kind
 * @param changes all that happened to the keys that leaders write, in order
 */
export function leadershipVerdict(
  terms: readonly string[],
  lives: readonly Life[],
  changes: readonly KeyChange[],
): string[] {
  const operations = readHistory(...terms);
  return [
    ...leadershipViolations(termsOf(terms, lives), lives),
    ...lockViolations(operations, lives, fencedWrites(changes)),
    ...termsBesideMethods(operations, new Lives(lives)),
  ];
}

/** Which jobs ran for which ticks. */
export function tickRunsOf(journals: readonly string[]): TickRun[] {
  return journals.flatMap(linesOf<TickRun>);
}

/**
 * The job that notes its ticks in the store runs never twice for one; the guarded one does not in ticks in which nothing is
 * wrong; and both run for each of those.
 *
 * @param ticks the journals of this kind
 */
export function tickVerdict(ticks: readonly string[], lives: readonly Life[], quiet: Quiet): string[] {
  const runs = tickRunsOf(ticks);
  const due = dueTicks(lives, quiet);
  const isDue = ({ job, tick }: TickRun): boolean => job !== 'guarded' || due.includes(tick);
  return tickViolations(['guarded', 'noted'], runs.filter(isDue), due);
}

/** What members saw. */
export function sightingsOf(journals: readonly string[]): Sighting[] {
  return journals.flatMap(linesOf<Sighting>);
}

/**
 * Those that live see each other and nobody else, a lease's time after the last fault.
 *
 * @param members the journals of this kind
 * @param lives of all applications, and of no other process
 */
export function membershipVerdict(
  members: readonly string[],
  lives: readonly Life[],
  { from, to, sessionTtlSec }: Quiet,
): string[] {
  const period = { quietSince: from, boundMs: settlingMs(sessionTtlSec), until: to };
  return membershipViolations(sightingsOf(members), lives, period);
}

/** The ticks that have nothing to do with a fault: every lease of before is over, and no process was late. */
export function dueTicks(lives: readonly Life[], { from, to, sessionTtlSec }: Quiet): number[] {
  const wallAheadMs = Date.now() - machineMs();
  const settledAt = from + settlingMs(sessionTtlSec);
  const first = Math.ceil((settledAt + wallAheadMs + EARLY_MS) / 1000);
  const end = Math.floor((to + wallAheadMs) / 1000);
  const known = new Lives(lives);
  const absences = lives.flatMap(({ process }) => known.absences(process));
  return Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index).filter((tick) => {
    const startedAt = tick * 1000 - wallAheadMs;
    return isClearOf(absences, { from: startedAt - EARLY_MS, to: startedAt + 1000 });
  });
}

/** A dead process is forgotten after that, its lease's time and what it takes to be told. */
function settlingMs(sessionTtlSec: number): number {
  return sessionTtlSec * 1000 + 2000;
}

function isClearOf(others: readonly Interval[], { from, to }: Interval): boolean {
  return others.every((other) => other.to <= from || to <= other.from);
}

/** Methods may outlast a loss, but not into the next term of their own process. */
function termsBesideMethods(operations: readonly Operation[], lives: Lives): string[] {
  const untilMethodsEnd = holdsOf(
    operations.filter(({ op }) => op !== 'lost'),
    lives,
  ).map((term) => ({ ...term, name: `${term.name} in ${term.process}` }));
  return overlaps(untilMethodsEnd, lives).map(
    ([before, next]) => `${holdInWords(next)} began beside methods of ${holdInWords(before)}`,
  );
}

function fencedWrites(changes: readonly KeyChange[]): FencedWrite[] {
  return changes.flatMap(({ key, value, revision }) => {
    if (!key.startsWith(FENCED) || value === undefined) return [];
    const { token } = JSON.parse(value) as { token: number };
    return [{ resource: key, token, revision }];
  });
}

function linesOf<Line>(journal: string): Line[] {
  return wholeLines(journal).map((line) => JSON.parse(line) as Line);
}
