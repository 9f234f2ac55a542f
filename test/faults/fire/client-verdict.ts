import type { KeyChange } from '../../../lib/kvi/key-change.js';
import { Acknowledged } from '../checkers/acknowledged.js';
import { counterViolations } from '../checkers/counter.js';
import { type Interval, isAmbiguous, type Life, type Operation, processOf } from '../checkers/history.js';
import { withUntoldEnds } from '../checkers/holds.js';
import { hungCalls } from '../checkers/hung-calls.js';
import { checkLinearizability, type Findings, type Model } from '../checkers/linearizability.js';
import { list, type ListOperation } from '../checkers/list.model.js';
import { Lives } from '../checkers/lives.js';
import { type FencedWrite, lockViolations } from '../checkers/lock-history.js';
import { mutex, type MutexOperation } from '../checkers/mutex.model.js';
import { rangeViolations } from '../checkers/ranges.js';
import { register, type RegisterOperation } from '../checkers/register.model.js';
import { Replay } from '../checkers/replay.js';
import { tempKeyViolations } from '../checkers/temp-keys.js';
import { viewViolations } from '../checkers/view.js';
import { type WatchRecord, watchViolations } from '../checkers/watch-validators.js';
import { writtenOnceViolations } from '../checkers/written-once.js';
import type { Journals } from './journals.js';

/** What a run has left behind. */
export interface Evidence {
  /** Of every run of every process with clients. */
  readonly journals: readonly Journals[];
  readonly lives: readonly Life[];
  /** Takes the locks of revoked leases from their holders. */
  readonly revoked: (operations: readonly Operation[]) => Operation[];
  /** All that happened in the store, in order. */
  readonly changes: readonly KeyChange[];
  /** From the first fault until all were over. */
  readonly disturbed: Interval;
  /** When whatever lies between clients and members stood still, faults or not. */
  readonly gaps: readonly Interval[];
  /** When the processes were told to close everything. */
  readonly finishedAt: number;
  readonly sessionTtlSec: number;
}

/** What each checker has found, by its name, and what it could not decide. */
export interface Verdict {
  readonly violations: Readonly<Record<string, readonly string[]>>;
  readonly undecided: readonly string[];
  /** How much was checked, in words. */
  readonly counts: Readonly<Record<string, number>>;
}

/** For the operations of one key. Most take a few milliseconds. */
const BUDGET_MS = 120_000;

/** What a lease that a restart or a new leader gave its full time again needs to expire, and to be told of. */
const expiryMs = (sessionTtlSec: number): number => sessionTtlSec * 1000 + 2000;

export async function clientVerdict(evidence: Evidence): Promise<Verdict> {
  const { lives } = evidence;
  const operations = (await Promise.all(evidence.journals.map((one) => one.history()))).flat();
  const of = (family: string) => operations.filter(isOfFamily(family));
  const changesOf = (family: string) => evidence.changes.filter(isOfFamily(family));
  const registers = linearizability(of('reg') as RegisterOperation[], register);
  const lists = linearizability(of('list') as ListOperation[], list);
  const lockOperations = evidence.revoked(of('lock')) as MutexOperation[];
  const mutexes = linearizability(withUntoldEnds(lockOperations, new Lives(lives)) as MutexOperation[], () =>
    mutex(),
  );
  const [reg, odd] = [new Replay(changesOf('reg')), new Replay(changesOf('odd'))];
  const views = await viewsVerdict(evidence.journals, reg, Acknowledged.by(of('reg'), reg));
  const watches = await watchesVerdict(evidence.journals, { reg, odd });
  const ranges = (await Promise.all(evidence.journals.map((one) => one.ranges()))).flat();
  const fenced = changesOf('fenced');
  return {
    violations: {
      'registers are linearizable': registers.violations,
      'lists are linearizable': lists.violations,
      'locks are linearizable mutexes': mutexes.violations,
      'locks have one holder, and tokens that grow': lockViolations(
        lockOperations,
        lives,
        fenced.map(toFencedWrite),
      ),
      'counters under a fenced lock lose nothing': counterViolations(fenced, numberOf),
      'writes are applied as told, once': writesViolations(evidence.changes, operations),
      'ranges are whole': rangeViolations(ranges, odd, Acknowledged.by(of('odd'), odd)),
      'watches miss nothing': watches.violations,
      'views are true': views.violations,
      'temporary keys live as long as their process': await tempKeysVerdict(evidence, lives),
      'no call hangs': hungCalls(operations, lives, evidence.finishedAt),
    },
    undecided: [registers, lists, mutexes].flatMap(({ undecided }) => undecided),
    counts: {
      operations: operations.length,
      ambiguous: operations.filter(isAmbiguous).length,
      'keys of registers and lists': new Set([...of('reg'), ...of('list')].map(({ key }) => key)).size,
      'holds of locks': lockOperations.filter(
        ({ op, outcome }) => op === 'acquire' && typeof outcome === 'object',
      ).length,
      'unfenced writes behind a later token': late(changesOf('unfenced').map(toFencedWrite)),
      'changes told by watches': watches.count,
      watches: watches.records,
      'states of views': views.count,
      'ranges read': ranges.length,
      processes: new Set(operations.map(processOf)).size,
    },
  };
}

export function linearizability<One extends Operation>(
  operations: readonly One[],
  model: (operations: readonly One[]) => Model<One>,
): Findings {
  return checkLinearizability(
    operations.filter(({ op }) => op !== 'call'),
    model,
    BUDGET_MS,
  );
}

export function isOfFamily(family: string): (one: { readonly key: string }) => boolean {
  return ({ key }) => key.startsWith(`${family}/`);
}

/** But for those of the last change, which nobody has written down. */
export function writesViolations(changes: readonly KeyChange[], operations: readonly Operation[]): string[] {
  const written = changes.filter(({ key }) => !key.endsWith('/last'));
  return ['reg', 'odd', 'fenced', 'unfenced']
    .map(isOfFamily)
    .flatMap((isOwn) => writtenOnceViolations(operations.filter(isOwn), new Replay(written.filter(isOwn))));
}

/** What is watched lies in one family or the other. */
export function replayFor(
  { range }: WatchRecord,
  replays: { readonly reg: Replay; readonly odd: Replay },
): Replay {
  return JSON.stringify(range).includes('odd/') ? replays.odd : replays.reg;
}

export function changesTold({ attempts }: WatchRecord): number {
  return attempts.flatMap(({ pieces }) => pieces).reduce((sum, piece) => sum + piece.changes.length, 0);
}

/** One process after the other: together they would be too much to hold. */
async function watchesVerdict(
  journals: readonly Journals[],
  replays: { readonly reg: Replay; readonly odd: Replay },
): Promise<{ violations: string[]; count: number; records: number }> {
  const verdict = { violations: [] as string[], count: 0, records: 0 };
  for (const journal of journals) {
    for (const [record, ...others] of await journal.watches()) {
      if (others.length > 0) verdict.violations.push(`${record!.name} was told of another history`);
      verdict.violations.push(...watchViolations(record!, replayFor(record!, replays)));
      verdict.count += changesTold(record!);
      verdict.records += 1;
    }
  }
  return verdict;
}

async function viewsVerdict(
  journals: readonly Journals[],
  replay: Replay,
  acknowledged: Acknowledged,
): Promise<{ violations: string[]; count: number }> {
  const verdict = { violations: [] as string[], count: 0 };
  for (const journal of journals) {
    for (const record of await journal.views()) {
      verdict.violations.push(...viewViolations(record, replay, acknowledged));
      verdict.count += record.shown.length;
    }
  }
  return verdict;
}

/** A key, or one look at all that were ever seen. */
type TempKeyLine =
  | { readonly key: string; readonly madeAt: number }
  | {
      readonly invokedAt: number;
      readonly returnedAt: number;
      readonly found: readonly string[];
      readonly missing: readonly string[];
    };

async function tempKeysVerdict(
  { journals, disturbed, gaps, finishedAt, sessionTtlSec }: Evidence,
  lives: readonly Life[],
): Promise<string[]> {
  const lines = await Promise.all(
    journals.map(async (journal) =>
      (await journal.lines<TempKeyLine>('temp-keys')).map((line) => ({ ...line, process: journal.process })),
    ),
  );
  const keys = lines.flat().filter((line) => 'madeAt' in line);
  const looks = lines.flat().filter((line) => 'found' in line);
  const reads = looks.flatMap(({ found, missing, invokedAt, returnedAt, process }) => {
    const get = (key: string, ok: string | null): Operation => ({
      id: '',
      client: `${process}.0`,
      op: 'get',
      key,
      input: null,
      invokedAt,
      returnedAt,
      outcome: { ok },
    });
    return [...found.map((key) => get(key, '')), ...missing.map((key) => get(key, null))];
  });
  const boundMs = expiryMs(sessionTtlSec);
  // Leases of those who died among faults are given new time by the last of them; whoever finishes takes its key away.
  const known = lives.map((life) => ({
    ...life,
    to: Math.min(life.to > disturbed.from ? Math.max(life.to, disturbed.to) : life.to, finishedAt),
  }));
  const shaken = [disturbed, ...gaps].map(({ from, to }) => ({ from, to: to + boundMs }));
  return tempKeyViolations(keys, reads, known, { disturbed: shaken, boundMs });
}

/** Values are `TOKEN NUMBER WRITER`. */
export function toFencedWrite({ key, value, revision }: KeyChange): FencedWrite {
  return { resource: key, token: Number(value!.split(' ')[0]), revision };
}

function numberOf(value: string): number {
  return Number(value.split(' ')[1]);
}

/** What a fence would have refused. */
function late(writes: readonly FencedWrite[]): number {
  const latest = new Map<string, number>();
  return writes.filter(({ resource, token }) => {
    const before = latest.get(resource) ?? 0;
    latest.set(resource, Math.max(before, token));
    return token < before;
  }).length;
}
