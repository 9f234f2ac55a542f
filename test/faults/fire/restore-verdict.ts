import type { KeyChange } from '../../../lib/kvi/key-change.js';
import { Acknowledged } from '../checkers/acknowledged.js';
import { inWords, isAnswered, isOf, type Operation } from '../checkers/history.js';
import { type Hold, holdInWords, holdsOf } from '../checkers/holds.js';
import { hungCalls } from '../checkers/hung-calls.js';
import type { Findings } from '../checkers/linearizability.js';
import { list, type ListOperation } from '../checkers/list.model.js';
import { Lives } from '../checkers/lives.js';
import { lockViolations } from '../checkers/lock-history.js';
import { type RangeRead, rangeViolations } from '../checkers/ranges.js';
import { register, type RegisterOperation } from '../checkers/register.model.js';
import { Replay } from '../checkers/replay.js';
import { type ViewRecord, viewViolations } from '../checkers/view.js';
import { type WatchRecord, watchViolations } from '../checkers/watch-validators.js';
import type { ClientProcess } from './client-process.js';
import {
  changesTold,
  isOfFamily,
  linearizability,
  replayFor,
  toFencedWrite,
  type Verdict,
  writesViolations,
} from './client-verdict.js';
import { Journals } from './journals.js';

/** What a run through a restored backup has left behind. */
export interface Remains {
  readonly folder: string;
  readonly processes: readonly Pick<ClientProcess, 'names' | 'lives'>[];
  /** All that happened in the store that was replaced. */
  readonly before: readonly KeyChange[];
  /** All that happened in the one that took its place, from its first revision on. */
  readonly after: readonly KeyChange[];
  /** The last one that both have. */
  readonly snapshotRevision: number;
  /** What had been answered by then was done in the first store, what was begun later in the second if at all. */
  readonly cutAt: number;
  /** From the first until then the processes stood still. */
  readonly wokenAt: number;
  /** When the processes were told to close everything. */
  readonly finishedAt: number;
  readonly sessionTtlSec: number;
  /** What was there when all were gone. */
  readonly state: { readonly revision: number; readonly entries: readonly (readonly [string, string])[] };
}

/** One of the two histories, and what clients did in it. */
interface History {
  readonly changes: readonly KeyChange[];
  readonly operations: readonly Operation[];
  readonly reg: Replay;
  readonly odd: Replay;
  readonly acknowledged: Acknowledged;
}

type Told<Record> = readonly (readonly Record[])[];

/** What was before a restored backup is held against the first history, what came after it against the second. */
export async function restoreVerdict(remains: Remains): Promise<Verdict> {
  const { folder, processes, cutAt, finishedAt } = remains;
  const journals = processes.flatMap(({ names }) => names).map((name) => new Journals(folder, name));
  const all = async <T>(read: (journal: Journals) => Promise<T[]>): Promise<T[]> =>
    (await Promise.all(journals.map(read))).flat();
  const lives = await Promise.all(
    processes.flatMap((process) => process.lives).map((life, number) => journals[number]!.withGaps(life)),
  );
  const operations = await all((journal) => journal.history());
  const begunBefore = operations.filter(({ invokedAt }) => invokedAt < cutAt);
  const first = historyOf(remains.before, begunBefore.map(asToldUntil(cutAt)));
  const second = historyOf(
    remains.after,
    operations.filter(({ invokedAt }) => invokedAt > cutAt),
  );
  const searched = [
    ...linearizabilities(first.operations),
    ...linearizabilities(onKeysNobodyKnew(second.operations, begunBefore)),
  ];
  const watches = await all((journal) => journal.watches());
  const views = await all((journal) => journal.viewsBetweenSteps());
  const ranges = (await all((journal) => journal.ranges())).filter(({ invokedAt }) => invokedAt > cutAt);
  const known = new Lives(lives);
  const afterwards = ofHolds(operations, ({ invokedAt }) => invokedAt > cutAt);
  return {
    violations: {
      'registers and lists are linearizable': searched.flatMap(({ violations }) => violations),
      'the histories part at the backup': partingViolations(remains),
      'writes of before are applied as told, once': writesViolations(first.changes, first.operations),
      'writes of after are applied as told, once': writesViolations(
        second.changes.filter(({ revision }) => revision > remains.snapshotRevision),
        // What had been answered before is none of those that may still be applied.
        [...first.operations.filter(({ outcome }) => outcome === undefined), ...second.operations],
      ),
      'watches end when another history begins': watches
        .filter(({ length }) => length !== 2)
        .map((told) => `${told[0]!.name} was told of ${told.length - 1} other histories`),
      'watches miss nothing of before and of after': inTurn(watches, [first, second], (record, history) =>
        watchViolations(record, replayFor(record, history)),
      ),
      'views step back once': views
        .filter(({ length }) => length !== 2)
        .map((shown) => `${shown[0]!.name} has stepped back ${shown.length - 1} times`),
      'views are true before and after': inTurn(views, [first, second], (record, { reg, acknowledged }) =>
        viewViolations(record, reg, acknowledged),
      ),
      'views are in step': views.flatMap((shown) => stepViolations(shown, remains)),
      'ranges of after are whole': rangesViolations(ranges, second),
      'holds of before end within the TTL': heldTooLong(operations, known, remains),
      'locks of after have one holder, and tokens that grow': lockViolations(
        afterwards,
        lives,
        second.changes.filter(isOfFamily('fenced')).map(toFencedWrite),
      ),
      'locks that the backup holds come free': neverHad(
        holdsOf(begunBefore, known),
        holdsOf(afterwards, known),
      ),
      'no call hangs': hungCalls(operations, lives, finishedAt),
      'the last state is that of the second history': stateViolations(remains),
    },
    undecided: searched.flatMap(({ undecided }) => undecided),
    counts: {
      'operations before': first.operations.length,
      'operations after': second.operations.length,
      'operations open at the restore': first.operations.filter(({ outcome }) => outcome === undefined)
        .length,
      'changes taken back': first.changes.filter(({ revision }) => revision > remains.snapshotRevision)
        .length,
      'changes after': second.changes.filter(({ revision }) => revision > remains.snapshotRevision).length,
      'holds that were under way': holdsOf(begunBefore, known).filter(
        ({ grantedAt, endedAt }) => grantedAt < cutAt && cutAt < endedAt,
      ).length,
      'holds after': holdsOf(afterwards, known).length,
      'changes told before': toldBy(watches, 0),
      'changes told after': toldBy(watches, 1),
      'states of views after': views.reduce((sum, [, after]) => sum + (after?.shown.length ?? 0), 0),
      'ranges read after': ranges.length,
    },
  };
}

function historyOf(changes: readonly KeyChange[], operations: readonly Operation[]): History {
  const reg = new Replay(changes.filter(isOfFamily('reg')));
  return {
    changes,
    operations,
    reg,
    odd: new Replay(changes.filter(isOfFamily('odd'))),
    acknowledged: Acknowledged.by(operations.filter(isOfFamily('reg')), reg),
  };
}

/** What is answered later may have been done in either history; but what is said not to be applied is in none. */
function asToldUntil(moment: number): (operation: Operation) => Operation {
  return ({ returnedAt = Infinity, outcome, ...begun }) =>
    returnedAt < moment || outcome === 'not applied'
      ? ({ ...begun, returnedAt, outcome } as Operation)
      : begun;
}

/** A key that was in use before begins the second history with whatever the backup holds. */
function onKeysNobodyKnew(operations: readonly Operation[], before: readonly Operation[]): Operation[] {
  const known = new Set(before.map(({ key }) => key));
  return operations.filter(({ key }) => !known.has(key));
}

function linearizabilities(operations: readonly Operation[]): Findings[] {
  return [
    linearizability(operations.filter(isOfFamily('reg')) as RegisterOperation[], register),
    linearizability(operations.filter(isOfFamily('list')) as ListOperation[], list),
  ];
}

function partingViolations({ before, after, snapshotRevision }: Remains): string[] {
  const [one, other] = [before, after].map((changes) =>
    changes.filter(({ revision }) => revision <= snapshotRevision).map((change) => JSON.stringify(change)),
  ) as [string[], string[]];
  const place = Array.from({ length: Math.max(one.length, other.length) }).findIndex(
    (_, index) => one[index] !== other[index],
  );
  return place < 0 ? [] : [`${one[place] ?? 'nothing'} has become ${other[place] ?? 'nothing'}`];
}

/** The first record of each against the first history, and so on. */
function inTurn<Record>(
  told: Told<Record>,
  histories: readonly History[],
  violations: (record: Record, history: History) => string[],
): string[] {
  return told.flatMap((records) =>
    histories.flatMap((history, turn) =>
      records[turn] === undefined ? [] : violations(records[turn], history),
    ),
  );
}

/** Whoever asks a view to come up to the present, after the restore, sees the second history; and the last time all did. */
function stepViolations([before, after]: readonly ViewRecord[], { cutAt, finishedAt }: Remains): string[] {
  const late = before!.syncs.filter(({ invokedAt }) => invokedAt > cutAt);
  const isInStep = after?.syncs.some(({ invokedAt }) => invokedAt > finishedAt);
  return [
    ...late.map(({ invokedAt }) => `${before!.name} showed what was taken back after a sync at ${invokedAt}`),
    ...(isInStep ? [] : [`${before!.name} was not in step at the end`]),
  ];
}

function rangesViolations(ranges: readonly RangeRead[], { odd, operations }: History): string[] {
  return rangeViolations(ranges, odd, Acknowledged.by(operations.filter(isOfFamily('odd')), odd));
}

/** A lease that cannot be renewed is over after its time, and so is all that its holder may believe. */
function heldTooLong(
  operations: readonly Operation[],
  lives: Lives,
  { cutAt, wokenAt, sessionTtlSec }: Remains,
): string[] {
  const until = cutAt + sessionTtlSec * 1000;
  // Who stood still longer than that says so afterwards.
  const toldUntil = Math.max(until, wokenAt + 1000);
  const own = ofHolds(operations, ({ returnedAt = Infinity }) => returnedAt < cutAt);
  const asserted = own
    .filter(isOf('assert'))
    .filter(isAnswered)
    .filter(({ invokedAt, outcome }) => outcome.ok && invokedAt > until);
  return [
    ...holdsOf(own, lives)
      .filter(({ endedAt }) => endedAt > toldUntil)
      .map((hold) => `${holdInWords(hold)} lasted`),
    ...asserted.map((one) => `${inWords(one)} at ${one.invokedAt}`),
  ];
}

/** A session of before lets its lease expire, though the restored store knows it: else its keys would stand in the way. */
function neverHad(before: readonly Hold[], after: readonly Hold[]): string[] {
  const had = new Set(after.map(({ name }) => name));
  return [...new Set(before.map(({ name }) => name))]
    .filter((name) => !had.has(name))
    .map((name) => `${name} was had by nobody after the restore`);
}

/** What was done with some holds. Both histories may know a token, but not of one client. */
function ofHolds(operations: readonly Operation[], isMeant: (acquire: Operation) => boolean): Operation[] {
  const acquires = operations.filter(isOf('acquire')).filter(isAnswered).filter(isMeant);
  const nameOf = ({ client, key }: Operation, token: unknown): string => JSON.stringify([client, key, token]);
  const names = new Set(acquires.map((acquire) => nameOf(acquire, acquire.outcome.ok)));
  return [...acquires, ...operations.filter((one) => names.has(nameOf(one, one.input)))];
}

function stateViolations({ after, state }: Remains): string[] {
  const replay = new Replay(after);
  const found = new Map(state.entries);
  const keys = new Set([...after.map(({ key }) => key), ...found.keys()]);
  return [...keys]
    .filter((key) => found.get(key) !== replay.valueAt(key, state.revision))
    .map((key) => `${key} is ${found.get(key)}, but should be ${replay.valueAt(key, state.revision)}`);
}

function toldBy(watches: Told<WatchRecord>, turn: number): number {
  return watches
    .flatMap((records) => records[turn] ?? [])
    .reduce((sum, record) => sum + changesTold(record), 0);
}
