import { type KeyChange, PUT } from '../../../lib/kvi/key-change.js';
import type { KeyRecord } from '../../../lib/store/store.js';
import { groupBy } from './group-by.js';
import type { JournalEntry } from './writing-process.js';

/** What clients were told of their writes, and what a watch saw of them. */
export interface Evidence {
  readonly journals: readonly (readonly JournalEntry[])[];
  readonly history: readonly KeyChange[];
  readonly records: readonly KeyRecord[];
}

/** In words, all that does not fit together. */
export function discrepancies(evidence: Evidence): string[] {
  const histories = groupBy(evidence.history, ({ key }) => key);
  return [
    ...miscounts(evidence),
    ...[...histories].flatMap(([key, changes]) => outOfOrder(key, changes, evidence.journals)),
    ...misfits(evidence.records, histories),
  ];
}

/** A write that was acknowledged happened once; one that was refused never; of one whose end nobody knows either is true. */
function miscounts({ journals, history }: Evidence): string[] {
  const seen = groupBy(history, effectOf);
  const begun = groupBy(journals.flat(), effectOf);
  const wrong = [...begun].flatMap(([effect, entries]) => {
    const times = seen.get(effect)?.length ?? 0;
    const acknowledged = entries.filter(({ told }) => told === 'true').length;
    const most = acknowledged + entries.filter(isUndecided).length;
    if (times >= acknowledged && times <= most) return [];
    const told = [...groupBy(entries, (entry) => entry.told ?? 'never told')].map(
      ([outcome, { length }]) => `${length} times ${outcome}`,
    );
    return [`${end(effect)} happened ${times} times, but its clients were told ${told.join(', ')}`];
  });
  const unasked = [...seen.keys()].filter((effect) => !begun.has(effect));
  return [...wrong, ...unasked.map((effect) => `nobody asked for ${end(effect)}`)];
}

export function isUndecided({ told }: JournalEntry): boolean {
  return told === undefined || told === 'unknown';
}

/** Counters grow by one, lists by one item, flags turn, and what one handle stores comes in the order of its calls. */
function outOfOrder(key: string, changes: readonly KeyChange[], journals: Evidence['journals']): string[] {
  const [, kind] = key.split('/');
  const values = changes.map(({ value }) => value ?? '');
  const follows = FOLLOWS[kind!] ?? (kind === 'own' ? inOrderOf(key, journals) : () => true);
  const at = values.findIndex((value, index) => !follows(value, values[index - 1]));
  return at < 0 ? [] : [`${key}: after ${end(values[at - 1])} came ${end(values[at])}`];
}

type Follows = (value: string, before: string | undefined) => boolean;

const FOLLOWS: Readonly<Record<string, Follows>> = {
  counter: (value, before) => Number(value) === Number(before ?? 0) + 1,
  fenced: (value, before) => Number.parseInt(value, 10) === Number.parseInt(before ?? '0', 10) + 1,
  flag: (value, before) => value !== before,
  list: (value, before) =>
    before === undefined ? !value.includes(',') : value.slice(0, value.lastIndexOf(',')) === before,
};

function inOrderOf(key: string, journals: Evidence['journals']): Follows {
  const issued = journals.flat().filter((entry) => entry.key === key);
  const places = new Map(issued.map(({ value }, place) => [value, place]));
  return (value, before) => before === undefined || places.get(value)! > places.get(before)!;
}

/** What lies there has the version and the mod revision that its history gives it. */
function misfits(
  records: readonly KeyRecord[],
  histories: ReadonlyMap<string, readonly KeyChange[]>,
): string[] {
  const expected = [...histories].flatMap(([key, changes]) => {
    const last = changes.at(-1)!;
    if (last.op !== PUT) return [];
    const version = changes.length - 1 - changes.findLastIndex(({ op }) => op !== PUT);
    return [`${key} at version ${version} of revision ${last.revision}: ${end(last.value)}`];
  });
  const found = records.map(
    ({ key, value, version, modRevision }) =>
      `${key} at version ${version} of revision ${modRevision}: ${end(value)}`,
  );
  return [
    ...expected.filter((line) => !found.includes(line)).map((line) => `there is no ${line}`),
    ...found.filter((line) => !expected.includes(line)).map((line) => `there is ${line}`),
  ];
}

function effectOf({ key, value }: { readonly key: string; readonly value?: string | undefined }): string {
  return value === undefined ? `the deletion of ${key}` : `${key} = ${value}`;
}

/** Lists are long. */
function end(value: string | undefined): string {
  return value === undefined ? 'nothing' : value.slice(-80);
}
