import { type DELETE, type KeyChange, PUT } from '../../../lib/kvi/key-change.js';
import type { KeyRange } from '../../../lib/kvi/kvi.js';
import { groupBy } from '../support/group-by.js';
import { isWithin } from './key-range.js';
import type { Replay } from './replay.js';

// As the validators of etcd's robustness suite (tests/robustness/validate/watch.go), in our terms.

/** What a watcher was given in one piece. A revision is never in two. */
export interface WatchPiece {
  readonly changes: readonly KeyChange[];
  /** Everything up to this revision has been given. */
  readonly progress?: number;
}

/** A watch, or its continuation after an error. */
export interface WatchAttempt {
  /** The first revision that was asked for. */
  readonly fromRevision: number;
  readonly pieces: readonly WatchPiece[];
}

export interface WatchRecord {
  readonly name: string;
  readonly range: KeyRange;
  /** Only changes of this kind were asked for. */
  readonly op?: PUT | DELETE;
  readonly prevValue: boolean;
  /** Each goes on where the one before it had come to, or after a gap that it was told of (CompactedError). */
  readonly attempts: readonly WatchAttempt[];
  /** The revision up to which the watcher has waited for everything. */
  readonly completeTo?: number;
}

/** @param replay of all keys, from the first revision */
export function watchViolations(record: WatchRecord, replay: Replay): string[] {
  const validators = { ordered, unique, atomic, resumable, reliable, bookmarkable, previousValue, filtered };
  return Object.entries(validators).flatMap(([name, validate]) =>
    validate(record, replay).map((violation) => `${record.name} is not ${name}: ${violation}`),
  );
}

const piecesOf = ({ attempts }: WatchRecord): WatchPiece[] => attempts.flatMap(({ pieces }) => pieces);
const changesOf = (record: WatchRecord): KeyChange[] => piecesOf(record).flatMap(({ changes }) => changes);

/** Revisions never go back. */
function ordered(record: WatchRecord): string[] {
  const changes = changesOf(record);
  return changes
    .slice(1)
    .flatMap((change, index) =>
      change.revision < changes[index]!.revision
        ? [`${inWords(change)} after ${inWords(changes[index]!)}`]
        : [],
    );
}

/** Nothing is told twice. */
function unique(record: WatchRecord): string[] {
  return [...groupBy(changesOf(record), nameOf).values()]
    .filter(({ length }) => length > 1)
    .map((same) => `${inWords(same[0]!)} was told ${same.length} times`);
}

/** What one revision did is told in one piece. */
function atomic(record: WatchRecord): string[] {
  const pieces = new Map<number, number>();
  for (const { changes } of piecesOf(record))
    for (const revision of new Set(changes.map((change) => change.revision)))
      pieces.set(revision, (pieces.get(revision) ?? 0) + 1);
  return [...pieces]
    .filter(([, count]) => count > 1)
    .map(([revision, count]) => `revision ${revision} came in ${count} pieces`);
}

/** Who asks for a revision gets first what has happened from there on. */
function resumable(record: WatchRecord, replay: Replay): string[] {
  const all = expected(record, replay);
  return record.attempts.flatMap(({ fromRevision, pieces }) => {
    const first = pieces.flatMap(({ changes }) => changes)[0];
    const wanted = all.find(({ revision }) => revision >= fromRevision);
    if (first === undefined || (wanted && nameOf(first) === nameOf(wanted))) return [];
    return [`from ${fromRevision} on it began with ${inWords(first)}, not with ${wanted && inWords(wanted)}`];
  });
}

/** Between the first and the last that was told nothing is missing, and nothing is there that did not happen. */
function reliable(record: WatchRecord, replay: Replay): string[] {
  const told = new Set(changesOf(record).map(contentOf));
  const all = expected(record, replay);
  const happened = new Set(all.map(contentOf));
  const answeredFor = spansOf(record);
  const isCovered = ({ revision }: KeyChange): boolean =>
    answeredFor.some(({ from, to }) => revision >= from && revision <= to);
  const missing = all.filter((change) => isCovered(change) && !told.has(contentOf(change)));
  const invented = changesOf(record).filter((change) => !happened.has(contentOf(change)));
  return [
    ...missing.map((change) => `${inWords(change)} was not told`),
    ...invented.map((change) => `${inWords(change)} has not happened`),
  ];
}

/** An attempt answers for what lies between its start and the last that it heard; the last one, for what was waited for. */
function spansOf({ attempts, completeTo = 0 }: WatchRecord): { from: number; to: number }[] {
  return attempts.map(({ fromRevision, pieces }, index) => {
    const waitedFor = index === attempts.length - 1 ? completeTo : 0;
    const heard = pieces.map(({ changes, progress = 0 }) =>
      Math.max(progress, changes.at(-1)?.revision ?? 0),
    );
    // There may be more pieces than a call may have arguments.
    return { from: fromRevision, to: heard.reduce((a, b) => Math.max(a, b), waitedFor) };
  });
}

/** What progress says has been told has been told before, and nothing older comes after it. */
function bookmarkable(record: WatchRecord, replay: Replay): string[] {
  const all = expected(record, replay);
  return record.attempts.flatMap(({ fromRevision, pieces }) => {
    const told = new Set<string>();
    let progress = 0;
    let next = all.findIndex(({ revision }) => revision >= fromRevision);
    return pieces.flatMap((piece) => {
      const late = piece.changes.filter(({ revision }) => revision <= progress);
      for (const change of piece.changes) told.add(nameOf(change));
      progress = Math.max(progress, piece.progress ?? 0);
      const early: KeyChange[] = [];
      for (; next >= 0 && next < all.length && all[next]!.revision <= progress; next++)
        if (!told.has(nameOf(all[next]!))) early.push(all[next]!);
      return [
        ...late.map((change) => `${inWords(change)} came after a later progress`),
        ...early.map((change) => `progress ${progress} came before ${inWords(change)}`),
      ];
    });
  });
}

/** The value before is the one that was there; and it is there only if it was asked for. */
function previousValue(record: WatchRecord, replay: Replay): string[] {
  return changesOf(record)
    .filter(
      ({ key, revision, prevValue }) =>
        prevValue !== (record.prevValue ? replay.valueAt(key, revision - 1) : undefined),
    )
    .map((change) => `${inWords(change)} came with another value before it`);
}

/** Nothing is told that was not asked for. */
function filtered(record: WatchRecord): string[] {
  const first = record.attempts[0]?.fromRevision ?? 0;
  return changesOf(record)
    .filter((change) => !isAskedFor(record, change) || change.revision < first)
    .map((change) => `${inWords(change)} was not asked for`);
}

function expected(record: WatchRecord, { changes }: Replay): KeyChange[] {
  return changes.filter((change) => isAskedFor(record, change));
}

function isAskedFor({ range, op }: WatchRecord, change: KeyChange): boolean {
  return isWithin(range, change.key) && (op === undefined || change.op === op);
}

function nameOf({ key, revision }: KeyChange): string {
  return `${revision} ${key}`;
}

function contentOf(change: KeyChange): string {
  return `${nameOf(change)}\n${change.op === PUT ? `put ${change.value}` : 'deleted'}`;
}

function inWords({ key, revision, op }: KeyChange): string {
  return `the ${op === PUT ? 'put' : 'deletion'} of ${key} at ${revision}`;
}
