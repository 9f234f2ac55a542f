import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyChange } from '../../../lib/kvi/key-change.js';
import type { Interval, Life, Operation } from '../checkers/history.js';
import { readHistory } from '../checkers/history.js';
import type { RangeRead } from '../checkers/ranges.js';
import type { ShownState, Sync, ViewRecord } from '../checkers/view.js';
import type { WatchAttempt, WatchPiece, WatchRecord } from '../checkers/watch-validators.js';
import { groupBy } from '../support/group-by.js';

/** What one run of a process has written down. */
export class Journals {
  readonly process: string;
  readonly #folder: string;

  constructor(folder: string, process: string) {
    this.#folder = folder;
    this.process = process;
  }

  async history(kind = 'history'): Promise<Operation[]> {
    return readHistory(await this.#text(kind));
  }

  /** The last of its lines may have been cut by its death. */
  async lines<Line>(kind: string): Promise<Line[]> {
    const text = await this.#text(kind);
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
  }

  /** With the times at which its event loop stood still, for whatever reason. */
  async withGaps(life: Life): Promise<Life> {
    return { ...life, pauses: [...life.pauses, ...(await this.lines<Interval>('gaps'))] };
  }

  /** Of each watch what it was told of one history of the store after the other: mostly there is one. */
  async watches(): Promise<WatchRecord[][]> {
    const lines = await this.lines<WatchLine>('watches');
    return [...groupBy(lines, ({ name }) => name).values()].map(toWatches);
  }

  async views(): Promise<ViewRecord[]> {
    const lines = await this.lines<ViewLine>('views');
    return [...groupBy(lines, ({ name }) => name).values()].map(toView);
  }

  /** Of each view what it has shown between two steps back. */
  async viewsBetweenSteps(): Promise<ViewRecord[][]> {
    const lines = await this.lines<ViewLine>('views');
    return [...groupBy(lines, ({ name }) => name).values()].map(toViewsBetweenSteps);
  }

  ranges(): Promise<RangeRead[]> {
    return this.lines<RangeRead>('ranges');
  }

  #text(kind: string): Promise<string> {
    // A process that was killed early has written nothing.
    return readFile(join(this.#folder, `${this.process}.${kind}.jsonl`), 'utf8').catch(() => '');
  }
}

/** A watch begins with what it asks for; then comes what it was told, in pieces at the store's port, else one by one. */
type WatchLine = { readonly name: string } & (
  | Pick<WatchRecord, 'range' | 'op' | 'prevValue'>
  | { readonly fromRevision: number }
  | { readonly change: KeyChange }
  | { readonly changes: readonly KeyChange[]; readonly progress: number }
  | { readonly completeTo: number }
  | { readonly isReplaced: true }
);

/** Whatever comes after another history has begun is told by a watch for the same. */
function toWatches(lines: readonly WatchLine[]): WatchRecord[] {
  const [first, ...rest] = lines;
  const parts: WatchLine[][] = [[first!]];
  for (const line of rest) {
    if ('isReplaced' in line) parts.push([first!]);
    else parts.at(-1)!.push(line);
  }
  return parts.map(toWatch);
}

function toWatch(lines: readonly WatchLine[]): WatchRecord {
  let record: WatchRecord | undefined;
  const attempts: { fromRevision: number; pieces: WatchPiece[] }[] = [];
  let completeTo: number | undefined;
  for (const line of lines) {
    if ('range' in line) record = { ...line, attempts: [] };
    else if ('fromRevision' in line) attempts.push({ fromRevision: line.fromRevision, pieces: [] });
    else if ('completeTo' in line) completeTo = line.completeTo;
    else if ('changes' in line) attempts.at(-1)!.pieces.push(line);
    else if ('change' in line) add(line.change, attempts.at(-1)!.pieces);
  }
  leaveOutHalfTold(attempts.at(-1)?.pieces ?? []);
  const whole = { ...record!, attempts: attempts as readonly WatchAttempt[] };
  return completeTo === undefined ? whole : { ...whole, completeTo };
}

/** Whoever is told one by one may have stopped to listen, or have died, between two changes of one revision. */
function leaveOutHalfTold(pieces: WatchPiece[]): void {
  if (pieces.at(-1)?.progress === undefined) pieces.pop();
}

/** What comes one by one is taken for one piece as long as its revision is the same. */
function add(change: KeyChange, pieces: WatchPiece[]): void {
  const last = pieces.at(-1);
  if (last?.changes[0]?.revision === change.revision) (last.changes as KeyChange[]).push(change);
  else pieces.push({ changes: [change] });
}

type Asked = Pick<ViewRecord, 'range' | 'name'>;
type Look = ShownState & { readonly syncedAt?: number };
type ViewLine = { readonly name: string } & (Asked | Look);

function toView(lines: readonly ViewLine[]): ViewRecord {
  const [first, ...looks] = lines as [Asked, ...Look[]];
  const syncs = looks.flatMap(({ syncedAt, revision }): Sync[] =>
    syncedAt === undefined ? [] : [{ invokedAt: syncedAt, revision }],
  );
  return { ...first, shown: looks, syncs };
}

function toViewsBetweenSteps(lines: readonly ViewLine[]): ViewRecord[] {
  const [first, ...looks] = lines as [ViewLine & Asked, ...(ViewLine & Look)[]];
  const parts: ViewLine[][] = [[first]];
  let before = 0;
  for (const look of looks) {
    if (look.revision < before) parts.push([first]);
    before = look.revision;
    parts.at(-1)!.push(look);
  }
  return parts.map(toView);
}
