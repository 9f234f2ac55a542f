import type { KeyChange } from '../../../lib/kvi/key-change.js';
import { machineMs } from '../../support/machine-ms.js';
import type { Interval, Life, Operation } from '../checkers/history.js';
import { holdInWords, holdsOf, overlaps } from '../checkers/holds.js';
import { leadershipViolations } from '../checkers/leadership.js';
import { Lives } from '../checkers/lives.js';
import { type FencedWrite, lockViolations } from '../checkers/lock-history.js';
import { membershipViolations, type Sighting } from '../checkers/membership.js';
import { isPunctual, type TickRun, tickViolations } from '../checkers/once-per-tick.js';

// What applications (workloads/application.mjs) have written down proves. Terms are in the form of a history, of the lock
// that makes its holder the leader.

const FENCED = 'app/fenced/';

/** Of a schedule's timer. */
const EARLY_MS = 50;

/** A run, and how long after the beginning of its tick it began. */
export interface TimedRun extends TickRun {
  readonly lateMs: number;
}

/** From the end of the last fault to the end of the run. */
export interface Quiet extends Interval {
  readonly sessionTtlSec: number;
}

/**
 * Never two leaders, no `assertHeld` of one after the election of the next, and fenced writes in the order of terms.
 *
 * @param terms from the call of `@OnElected` to the loss, or at a shutdown to the end of the last method
 * @param changes all that happened to the keys that leaders write, in order
 */
export function leadershipVerdict(
  terms: readonly Operation[],
  lives: readonly Life[],
  changes: readonly KeyChange[],
): string[] {
  const known = new Lives(lives);
  return [
    ...leadershipViolations(holdsOf(terms, known), lives),
    ...lockViolations(terms, lives, fencedWrites(changes)),
  ];
}

/**
 * The job that notes its ticks in the store runs never twice for one; the guarded one does not in ticks in which nothing is
 * wrong; and both run for each of those.
 */
export function tickVerdict(runs: readonly TimedRun[], lives: readonly Life[], quiet: Quiet): string[] {
  const due = dueTicks(lives, quiet).filter(isPunctual(runs));
  const isDue = ({ job, tick }: TickRun): boolean => job !== 'guarded' || due.includes(tick);
  return tickViolations(['guarded', 'noted'], runs.filter(isDue), due);
}

/**
 * Those that live see each other and nobody else, a lease's time after the last fault.
 *
 * @param lives of all applications, and of no other process
 */
export function membershipVerdict(
  sightings: readonly Sighting[],
  lives: readonly Life[],
  { from, to, sessionTtlSec }: Quiet,
): string[] {
  const period = { quietSince: from, boundMs: settlingMs(sessionTtlSec), until: to };
  return membershipViolations(sightings, lives, period);
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
export function termsBesideMethods(terms: readonly Operation[], lives: readonly Life[]): string[] {
  const known = new Lives(lives);
  const untilMethodsEnd = holdsOf(
    terms.filter(({ op }) => op !== 'lost'),
    known,
  ).map((term) => ({ ...term, name: `${term.name} in ${term.process}` }));
  return overlaps(untilMethodsEnd, known).map(
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
