import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { InvalidArgumentError } from '../../../lib/store/errors.js';
import { RecordedTxn } from '../../../lib/store/etcd/recorded-txn.js';
import { MemoryDatabase } from '../../../lib/store/memory/database.js';
import type { KeyRecord, Operation, Outcome, TxnRequest, WriteOutcome } from '../../../lib/store/store.js';
import { ALL, isMissing, put, remove } from '../memory/operations.js';

const KEYS = ['a', 'b', 'c'];
const VALUES = ['1', '2'];
const BATCH_ID = 'this batch';

function markKey(mark: number): string {
  return `\0marks/${mark}`;
}

function isMark({ key }: KeyRecord): boolean {
  return key.startsWith('\0marks/');
}

/** Requests in one txn, with what each of them leaves behind. */
class Batch {
  readonly operations: readonly Operation[];
  readonly #txns: readonly RecordedTxn[];

  constructor(requests: readonly TxnRequest[]) {
    let marks = 0;
    this.#txns = requests.map((request) => new RecordedTxn(request, () => marks++));
    this.operations = this.#txns.flatMap((txn) => txn.operations((mark) => put(markKey(mark), BATCH_ID)));
  }

  answered({ responses }: Outcome): WriteOutcome[] {
    const rest = responses.values();
    const outcomes = this.#txns.map((txn) => txn.answered(rest));
    if (rest.next().done !== true) throw new Error('not every answer was looked at');
    return outcomes;
  }

  remembered(database: MemoryDatabase): WriteOutcome[] {
    const marked = database.range(ALL).kvs.filter(({ value }) => value === BATCH_ID);
    const keys = new Set(marked.map(({ key }) => key));
    return this.#txns.map((txn) => txn.remembered((mark) => keys.has(markKey(mark))));
  }
}

/** What a plain txn answers, as far as a write tells it. */
function outcomeOf({ succeeded, responses }: Outcome): WriteOutcome {
  return {
    succeeded,
    responses: responses.map((response) =>
      response.type === 'txn' ? { type: 'txn', ...outcomeOf(response) } : { type: response.type },
    ),
  };
}

function databaseOf(kvs: Readonly<Record<string, string>>): MemoryDatabase {
  const database = new MemoryDatabase();
  for (const [key, value] of Object.entries(kvs)) database.txn({ success: [put(key, value)] });
  return database;
}

function dataIn(database: MemoryDatabase): (readonly [string, string])[] {
  const kvs = database.range(ALL).kvs.filter((record) => !isMark(record));
  return kvs.map(({ key, value }) => [key, value] as const);
}

const key = fc.constantFrom(...KEYS);
const value = fc.constantFrom(...VALUES);
const compare = fc.oneof(
  key.map(isMissing),
  fc.record({
    target: fc.constant('value' as const),
    key,
    operator: fc.constantFrom('=' as const, '!=' as const, '<' as const, '>' as const),
    value,
  }),
);
const plain: fc.Arbitrary<Operation> = fc.oneof(
  fc.tuple(key, value).map(([name, text]) => put(name, text)),
  key.map((name) => remove(name)),
  key.map((name): Operation => ({ type: 'range', key: name })),
);
const txnOf = (operation: fc.Arbitrary<Operation>): fc.Arbitrary<TxnRequest> => {
  const branch = fc.array(operation, { maxLength: 3 });
  return fc.record({ compare: fc.array(compare, { maxLength: 2 }), success: branch, failure: branch });
};
const orNested = (operation: fc.Arbitrary<Operation>): fc.Arbitrary<Operation> =>
  fc.oneof(
    { weight: 2, arbitrary: operation },
    { weight: 1, arbitrary: txnOf(operation).map((txn): Operation => ({ type: 'txn', ...txn })) },
  );
const requests = txnOf(orNested(orNested(plain)));
const contents = fc.dictionary(key, value);

/**
 * Undefined where the store refuses it, because it writes one key twice; what it overlooks of that differs, and nobody
 * asks for it.
 */
function tryTxn(database: MemoryDatabase, request: TxnRequest): Outcome | undefined {
  try {
    return database.txn(request);
  } catch (error) {
    if (error instanceof InvalidArgumentError) return undefined;
    throw error;
  }
}

describe('RecordedTxn', () => {
  it('needs no mark, and no txn of its own, where nothing is compared', () => {
    const { operations } = new Batch([{ success: [put('a', '1')] }, { success: [remove('b')] }]);
    expect(operations).toEqual([put('a', '1'), remove('b')]);
  });

  it('puts its mark where the condition holds, and leaves its reads out', () => {
    const [condition, look] = [isMissing('a'), { type: 'range', key: 'a' } as const];
    const { operations } = new Batch([{ compare: [condition], success: [put('a', '1')], failure: [look] }]);
    expect(operations).toEqual([
      {
        type: 'txn',
        compare: [condition],
        success: [put(markKey(0), BATCH_ID), put('a', '1')],
        failure: [],
      },
    ]);
  });

  it('has a mark of its own for each condition of a batch, at any depth', () => {
    const inner: Operation = { type: 'txn', compare: [isMissing('b')], success: [put('b')] };
    const fenced = (name: string): TxnRequest => ({ compare: [isMissing(name)], success: [inner] });
    const text = JSON.stringify(new Batch([fenced('a'), fenced('c')]).operations);
    const marks = [0, 1, 2, 3].map((mark) => text.split(JSON.stringify(markKey(mark))).length - 1);
    expect(marks).toEqual([1, 1, 1, 1]);
  });

  it('does what the plain request would, and tells the same of it from its answer as from its marks', () => {
    let applied = 0;
    fc.assert(
      fc.property(contents, requests, (kvs, request) => {
        const [plainly, recorded] = [databaseOf(kvs), databaseOf(kvs)];
        const batch = new Batch([request]);
        const expected = tryTxn(plainly, request);
        const answer = tryTxn(recorded, { success: batch.operations });
        if (answer === undefined || expected === undefined) return;
        applied++;
        expect(batch.answered(answer)).toEqual([outcomeOf(expected)]);
        expect(batch.remembered(recorded)).toEqual([outcomeOf(expected)]);
        expect(dataIn(recorded)).toEqual(dataIn(plainly));
      }),
      { numRuns: 2000 },
    );
    expect(applied).toBeGreaterThan(500);
  });

  it('does so in a batch with others of other keys, as if they had gone one after the other', () => {
    const elsewhere = (request: TxnRequest, place: number): TxnRequest =>
      JSON.parse(JSON.stringify(request), (name, text: unknown) =>
        name === 'key' ? `${place}/${String(text)}` : text,
      ) as TxnRequest;
    fc.assert(
      fc.property(contents, fc.array(requests, { minLength: 2, maxLength: 5 }), (kvs, all) => {
        const present = Object.fromEntries(
          all.flatMap((_, place) => Object.entries(kvs).map(([name, text]) => [`${place}/${name}`, text])),
        );
        const [plainly, recorded] = [databaseOf(present), databaseOf(present)];
        const placed = all.map(elsewhere).filter((request) => {
          const asked = [request, { success: new Batch([request]).operations }];
          return asked.every((txn) => tryTxn(databaseOf(present), txn) !== undefined);
        });
        const batch = new Batch(placed);
        const expected = placed.map((request) => outcomeOf(plainly.txn(request)));
        expect(batch.answered(recorded.txn({ success: batch.operations }))).toEqual(expected);
        expect(batch.remembered(recorded)).toEqual(expected);
        expect(dataIn(recorded)).toEqual(dataIn(plainly));
      }),
      { numRuns: 500 },
    );
  });
});
