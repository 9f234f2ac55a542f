import { describe, expect, it } from '@jest/globals';
import {
  CompactedError,
  HmEtcdError,
  InvalidArgumentError,
  LeaseNotFoundError,
} from '../../../lib/store/errors.js';
import { prefixSpan } from '../../../lib/store/key-span.js';
import { MemoryDatabase } from '../../../lib/store/memory/database.js';
import type { Compare, CompareOperator, KeySpan, Operation } from '../../../lib/store/store.js';
import { TestClock } from '../../../lib/testing/test-clock.js';
import { ALL, isMissing, keysOf, nested, put, remove, write } from './operations.js';

const OPERATORS: CompareOperator[] = ['=', '!=', '<', '>'];

function thrownBy(call: () => unknown): HmEtcdError {
  try {
    call();
  } catch (error) {
    if (error instanceof HmEtcdError) return error;
    throw error;
  }
  throw new Error('Nothing was thrown.');
}

/** A txn without operations is a question. */
function holds(database: MemoryDatabase, ...compare: Compare[]): boolean {
  return database.txn({ compare }).succeeded;
}

function operatorsThatHold(
  database: MemoryDatabase,
  condition: (operator: CompareOperator) => Compare,
): CompareOperator[] {
  return OPERATORS.filter((operator) => holds(database, condition(operator)));
}

describe('MemoryDatabase', () => {
  describe('revisions', () => {
    it('begin with 1, as in etcd', () => {
      expect(new MemoryDatabase().range({ key: 'a' })).toEqual({ revision: 1, kvs: [], more: false });
    });

    it('grow by one for each transaction that writes, whatever it writes', () => {
      const database = new MemoryDatabase();
      expect(write(database, put('a')).revision).toBe(2);
      expect(write(database, put('a'), put('b'), put('c')).revision).toBe(3);
      expect(write(database, remove('a', 'c'), put('d')).revision).toBe(4);
      expect(database.range({ key: 'x' }).revision).toBe(4);
    });

    it('do not grow when nothing is written', () => {
      const database = new MemoryDatabase();
      write(database, put('a'));
      expect(database.txn({})).toEqual({ succeeded: true, revision: 2, responses: [] });
      expect(write(database, remove('x'))).toEqual({
        succeeded: true,
        revision: 2,
        responses: [{ type: 'delete', deleted: 0 }],
      });
      expect(write(database, remove('x', 'z')).revision).toBe(2);
      expect(write(database, { type: 'range', key: 'a' }).revision).toBe(2);
    });

    it('grow when a value is put again', () => {
      const database = new MemoryDatabase();
      write(database, put('a', '1'));
      expect(write(database, put('a', '1')).revision).toBe(3);
    });

    it('tell of a key when it was created, when changed, and how often', () => {
      const database = new MemoryDatabase();
      const record = () => database.range({ key: 'a' }).kvs[0];
      const base = { key: 'a', lease: '' };

      write(database, put('a', '1'));
      expect(record()).toEqual({ ...base, value: '1', createRevision: 2, modRevision: 2, version: 1 });
      write(database, put('other'));
      write(database, put('a', '2'));
      expect(record()).toEqual({ ...base, value: '2', createRevision: 2, modRevision: 4, version: 2 });
      write(database, remove('a'));
      expect(record()).toBeUndefined();
      write(database, put('a', '3'));
      expect(record()).toEqual({ ...base, value: '3', createRevision: 6, modRevision: 6, version: 1 });
    });
  });

  describe('txn', () => {
    it('does the one branch or the other', () => {
      const database = new MemoryDatabase();
      write(database, put('a', '1'));
      const move = (value: string) =>
        database.txn({
          compare: [{ target: 'value', key: 'a', operator: '=', value }],
          success: [put('then')],
          failure: [put('else'), { type: 'range', key: 'a' }],
        });

      expect(move('1')).toEqual({ succeeded: true, revision: 3, responses: [{ type: 'put' }] });
      expect(keysOf(database)).toEqual(['a', 'then']);
      expect(move('2')).toMatchObject({ succeeded: false, revision: 4, responses: [{}, { kvs: [{}] }] });
      expect(keysOf(database)).toEqual(['a', 'else', 'then']);
    });

    it('compares the state before it', () => {
      const database = new MemoryDatabase();
      const { succeeded } = database.txn({
        compare: [{ target: 'create', key: 'a', operator: '=', revision: 0 }],
        success: [put('a')],
      });
      expect(succeeded).toBe(true);
    });

    it('needs every comparison to hold', () => {
      const database = new MemoryDatabase();
      write(database, put('a', '1'), put('b', '2'));
      const a: Compare = { target: 'value', key: 'a', operator: '=', value: '1' };
      const b: Compare = { target: 'value', key: 'b', operator: '=', value: '1' };
      expect([holds(database), holds(database, a), holds(database, a, b), holds(database, b, a)]).toEqual([
        true,
        true,
        false,
        false,
      ]);
    });

    it.each([
      ['1', ['!=', '>']],
      ['2', ['=']],
      ['3', ['!=', '<']],
      ['', ['!=', '>']],
      ['10', ['!=', '>']],
    ])('compares values by bytes: 2 with %j', (value, expected) => {
      const database = new MemoryDatabase();
      write(database, put('a', '2'));
      expect(
        operatorsThatHold(database, (operator) => ({ target: 'value', key: 'a', operator, value })),
      ).toEqual(expected);
    });

    it('puts an emoji above U+FFFF, as bytes do and JavaScript does not', () => {
      const database = new MemoryDatabase();
      write(database, put('a', '\u{1f600}'));
      expect(
        operatorsThatHold(database, (operator) => ({ target: 'value', key: 'a', operator, value: '\uffff' })),
      ).toEqual(['!=', '>']);
    });

    it.each<[string, KeySpan]>([
      ['key', { key: 'x' }],
      ['span', { key: 'x', rangeEnd: 'z' }],
    ])('finds no value comparison true for a missing %s', (_, span) => {
      const database = new MemoryDatabase();
      write(database, put('a', ''));
      for (const value of ['', '1']) {
        expect(
          operatorsThatHold(database, (operator) => ({ target: 'value', ...span, operator, value })),
        ).toEqual([]);
      }
    });

    it.each<[string, KeySpan]>([
      ['key', { key: 'x' }],
      ['span', { key: 'x', rangeEnd: 'z' }],
    ])('takes the create and mod revision of a missing %s for 0', (_, span) => {
      const database = new MemoryDatabase();
      write(database, put('a', ''));
      for (const target of ['create', 'mod'] as const) {
        const against = (revision: number) =>
          operatorsThatHold(database, (operator) => ({ target, ...span, operator, revision }));
        expect(against(0)).toEqual(['=']);
        expect(against(1)).toEqual(['!=', '<']);
      }
    });

    it('compares create and mod revisions', () => {
      const database = new MemoryDatabase();
      write(database, put('a'));
      write(database, put('a'));
      const against = (target: 'create' | 'mod', revision: number) =>
        operatorsThatHold(database, (operator) => ({ target, key: 'a', operator, revision }));
      expect(against('create', 2)).toEqual(['=']);
      expect(against('create', 3)).toEqual(['!=', '<']);
      expect(against('mod', 3)).toEqual(['=']);
      expect(against('mod', 2)).toEqual(['!=', '>']);
    });

    it('wants a comparison over a span to hold for each key in it', () => {
      const database = new MemoryDatabase();
      write(database, put('j/1', 'x'));
      write(database, put('j/2', 'x'), put('k', 'y'));
      const jobs = prefixSpan('j/');
      expect(holds(database, { target: 'value', ...jobs, operator: '=', value: 'x' })).toBe(true);
      expect(holds(database, { target: 'create', ...jobs, operator: '<', revision: 3 })).toBe(false);
      expect(holds(database, { target: 'create', ...jobs, operator: '=', revision: 0 })).toBe(false);
      expect(holds(database, { target: 'mod', ...jobs, operator: '>', revision: 1 })).toBe(true);
      expect(holds(database, { target: 'value', ...ALL, operator: '=', value: 'x' })).toBe(false);
    });

    it('refuses the empty key and applies nothing', () => {
      const database = new MemoryDatabase();
      expect(thrownBy(() => write(database, put('a'), put('')))).toBeInstanceOf(InvalidArgumentError);
      expect(keysOf(database)).toEqual([]);
    });

    it('lets a deletion to the last key take what was put, and a put come after it', () => {
      const database = new MemoryDatabase();
      write(database, put('a', 'old'));
      write(database, put('b'), remove('a', '\0'));
      expect(keysOf(database)).toEqual([]);
      const { revision } = write(database, remove('a', '\0'), put('a', 'new'));
      expect(database.range({ key: 'a' }).kvs).toMatchObject([{ version: 1, createRevision: revision }]);
    });

    it('reads its own writes, in order', () => {
      const database = new MemoryDatabase();
      write(database, put('a', 'old'));
      const { responses } = write(
        database,
        { type: 'range', ...ALL },
        put('b', 'new'),
        { type: 'range', ...ALL },
        remove('a'),
        { type: 'range', ...ALL },
      );
      const reads = responses.filter((response) => response.type === 'range');
      expect(reads.map(({ revision, kvs }) => [revision, kvs.map(({ key }) => key)])).toEqual([
        [2, ['a']],
        [3, ['a', 'b']],
        [3, ['b']],
      ]);
    });

    it('does not see its own writes in the past', () => {
      const database = new MemoryDatabase();
      write(database, put('a', 'old'));
      const { responses } = write(
        database,
        put('b'),
        remove('a'),
        { type: 'range', ...ALL, revision: 2 },
        { type: 'range', ...ALL, revision: 1 },
      );
      expect(responses).toMatchObject([{}, {}, { kvs: [{ key: 'a', value: 'old' }] }, { kvs: [] }]);
    });

    it('may delete overlapping spans; the later finds what is left', () => {
      const database = new MemoryDatabase();
      write(database, put('a'), put('b'), put('c'));
      expect(write(database, remove('a', 'c'), remove('b', '\0'))).toEqual({
        succeeded: true,
        revision: 3,
        responses: [
          { type: 'delete', deleted: 2 },
          { type: 'delete', deleted: 1 },
        ],
      });
    });

    it.each([
      ['one key put twice', [put('a', '1'), put('a', '2')]],
      ['a key put and deleted', [put('a'), remove('a')]],
      ['a key deleted and put', [remove('a'), put('a')]],
      ['a key put and deleted in a span', [put('b'), remove('a', 'c')]],
    ])('refuses %s, in the branch that is not done, too', (_, branch) => {
      for (const request of [{ success: branch }, { failure: branch }]) {
        const database = new MemoryDatabase();
        write(database, put('x', 'old'));
        const before = database.range(ALL);
        expect(thrownBy(() => database.txn(request))).toBeInstanceOf(InvalidArgumentError);
        expect(database.range(ALL)).toEqual(before);
      }
    });

    it('lets both branches write one key, and one branch delete what lies beside its put', () => {
      const database = new MemoryDatabase();
      database.txn({ success: [put('a')], failure: [put('a')] });
      write(database, put('b'), remove('a', 'b'));
      expect(keysOf(database)).toEqual(['b']);
    });

    it('refuses an unknown lease and applies nothing', () => {
      const database = new MemoryDatabase();
      const watch = database.watch({ ...ALL, afterRevision: 1 });
      expect(thrownBy(() => write(database, put('a'), put('b', '', 'dead')))).toBeInstanceOf(
        LeaseNotFoundError,
      );
      expect(database.range(ALL)).toEqual({ revision: 1, kvs: [], more: false });
      watch.requestProgress();
      return expect(watch.next()).resolves.toEqual({ revision: 1, events: [] });
    });

    it('minds an unknown lease only in the branch that is done', () => {
      const database = new MemoryDatabase();
      expect(database.txn({ success: [put('a')], failure: [put('a', '', 'dead')] }).succeeded).toBe(true);
    });

    it('tells of the lease, as etcd does, where a read is wrong before it', () => {
      const future: Operation = { type: 'range', key: 'a', revision: 99 };
      expect(thrownBy(() => write(new MemoryDatabase(), future, put('a', '', 'dead')))).toBeInstanceOf(
        LeaseNotFoundError,
      );
    });

    it('refuses to read a compacted or future revision and applies nothing', () => {
      const database = new MemoryDatabase();
      write(database, put('a'));
      write(database, put('a'));
      database.compact(3);
      const read = (revision: number) => () =>
        write(database, put('b'), { type: 'range', key: 'a', revision });
      expect(thrownBy(read(2))).toBeInstanceOf(CompactedError);
      expect(thrownBy(read(4))).toBeInstanceOf(InvalidArgumentError);
      expect(keysOf(database)).toEqual(['a']);
    });
  });

  describe('a nested txn', () => {
    it('does the one branch or the other, in one revision with all around it', async () => {
      const database = new MemoryDatabase();
      write(database, put('a', '1'));
      const watch = database.watch({ ...ALL, afterRevision: 2 });
      const either = (key: string) =>
        nested([put(key, 'then')], { compare: [isMissing(key)], failure: [put(key, 'else'), remove('x')] });

      expect(write(database, put('first'), either('a'), either('b'), put('last'))).toEqual({
        succeeded: true,
        revision: 3,
        responses: [
          { type: 'put' },
          { type: 'txn', succeeded: false, responses: [{ type: 'put' }, { type: 'delete', deleted: 0 }] },
          { type: 'txn', succeeded: true, responses: [{ type: 'put' }] },
          { type: 'put' },
        ],
      });
      const { revision, events } = (await watch.next())!;
      expect(revision).toBe(3);
      expect(events.map(({ kv }) => [kv.key, kv.value, kv.modRevision])).toEqual([
        ['first', '', 3],
        ['a', 'else', 3],
        ['b', 'then', 3],
        ['last', '', 3],
      ]);
    });

    it('compares the state before all writes, however deep it lies', () => {
      const database = new MemoryDatabase();
      const { responses } = write(
        database,
        put('a'),
        nested([put('b')], { compare: [isMissing('a')] }),
        nested([nested([put('c')], { compare: [isMissing('b')] })]),
      );
      expect(responses).toMatchObject([
        {},
        { succeeded: true },
        { succeeded: true, responses: [{ succeeded: true }] },
      ]);
      expect(keysOf(database)).toEqual(['a', 'b', 'c']);
    });

    it('makes no revision when nothing is written', () => {
      const database = new MemoryDatabase();
      const nothing = nested([remove('x'), { type: 'range', key: 'a' }], { failure: [put('a')] });
      expect(write(database, nothing, nested([]))).toEqual({
        succeeded: true,
        revision: 1,
        responses: [
          {
            type: 'txn',
            succeeded: true,
            responses: [
              { type: 'delete', deleted: 0 },
              { type: 'range', revision: 1, kvs: [], more: false },
            ],
          },
          { type: 'txn', succeeded: true, responses: [] },
        ],
      });
    });

    it('reads what was written before it, within it and without', () => {
      const database = new MemoryDatabase();
      write(database, put('old'));
      const all: Operation = { type: 'range', ...ALL };
      const { responses } = write(
        database,
        nested([all]),
        put('a'),
        nested([all, put('b'), all]),
        nested([remove('old')]),
        all,
      );
      const [a, b, old] = [{ key: 'a' }, { key: 'b' }, { key: 'old' }];
      expect(responses).toMatchObject([
        { responses: [{ revision: 2, kvs: [old] }] },
        {},
        { responses: [{ revision: 3, kvs: [a, old] }, {}, { revision: 3, kvs: [a, b, old] }] },
        {},
        { revision: 3, kvs: [a, b] },
      ]);
    });

    it('under an unknown lease applies nothing', () => {
      const database = new MemoryDatabase();
      const dead = nested([put('b', '', 'dead')]);
      expect(thrownBy(() => write(database, put('a'), dead))).toBeInstanceOf(LeaseNotFoundError);
      expect(thrownBy(() => write(database, put('a'), nested([dead])))).toBeInstanceOf(LeaseNotFoundError);
      expect(database.range(ALL)).toEqual({ revision: 1, kvs: [], more: false });
    });

    it('that reads a compacted or future revision applies nothing', () => {
      const database = new MemoryDatabase();
      write(database, put('a'));
      database.compact(2);
      const read = (revision: number) => () =>
        write(database, put('b'), nested([{ type: 'range', key: 'a', revision }]));
      expect(thrownBy(read(1))).toBeInstanceOf(CompactedError);
      expect(thrownBy(read(3))).toBeInstanceOf(InvalidArgumentError);
      expect(keysOf(database)).toEqual(['a']);
    });

    it('minds leases and revisions only in the branch that is done', () => {
      const database = new MemoryDatabase();
      const undone: Operation[] = [put('a', '', 'dead'), { type: 'range', key: 'a', revision: 99 }];
      write(database, nested([put('b')], { failure: undone }));
      write(database, nested([], { failure: [nested(undone)] }));
      expect(keysOf(database)).toEqual(['b']);
    });

    it('that deletes what another put: a watcher is told both, with the record before', async () => {
      const database = new MemoryDatabase();
      const lease = database.leaseGrant(5);
      write(database, put('a', 'old'));
      const watch = database.watch({ ...ALL, afterRevision: 2 });
      const removal = nested([remove('a', 'c')]);
      const response = write(database, nested([put('a', 'new', lease.id), put('b')]), removal);
      expect(response).toMatchObject({ revision: 3, responses: [{}, { responses: [{ deleted: 2 }] }] });
      expect((await watch.next())!.events).toMatchObject([
        { type: 'put', kv: { key: 'a' }, previous: { value: 'old' } },
        { type: 'put', kv: { key: 'b' }, previous: undefined },
        { type: 'delete', kv: { key: 'a' }, previous: { value: 'old' } },
        { type: 'delete', kv: { key: 'b' }, previous: undefined },
      ]);
      expect(database.range({ ...ALL, revision: 2 }).kvs).toMatchObject([{ key: 'a', value: 'old' }]);
      write(database, put('a'));
      database.leaseRevoke(lease.id);
      expect(keysOf(database)).toEqual(['a']);
    });
  });

  describe('range', () => {
    function letters(): MemoryDatabase {
      const database = new MemoryDatabase();
      for (const key of ['c', 'a', 'd', 'b']) write(database, put(key, key.toUpperCase()));
      return database;
    }
    const keys = (response: { kvs: readonly { key: string }[] }) =>
      response.kvs.map(({ key }) => key).join('');

    it('reads one key, a span without its end, or to the last key', () => {
      const database = letters();
      expect(keys(database.range({ key: 'b' }))).toBe('b');
      expect(keys(database.range({ key: 'b', rangeEnd: 'd' }))).toBe('bc');
      expect(keys(database.range({ key: 'b', rangeEnd: '\0' }))).toBe('bcd');
      expect(keys(database.range({ key: 'aa', rangeEnd: 'bb' }))).toBe('b');
    });

    it('finds nothing in a span that ends where it begins, or before', () => {
      const database = letters();
      expect(keys(database.range({ key: 'b', rangeEnd: 'b' }))).toBe('');
      expect(keys(database.range({ key: 'c', rangeEnd: 'a' }))).toBe('');
      expect(keys(database.range({ key: 'z', rangeEnd: '\0' }))).toBe('');
    });

    it.each([
      [1, 'a', true],
      [3, 'abc', true],
      [4, 'abcd', false],
      [5, 'abcd', false],
    ])('limits to %i and says whether that cut', (limit, expected, more) => {
      const response = letters().range({ ...ALL, limit });
      expect([keys(response), response.more]).toEqual([expected, more]);
    });

    it('takes a limit of 0 for none', () => {
      const database = letters();
      expect(database.range({ ...ALL, limit: 0 })).toEqual(database.range(ALL));
    });

    it('refuses the empty key', () => {
      expect(thrownBy(() => letters().range({ key: '' }))).toBeInstanceOf(InvalidArgumentError);
    });

    it('limits one key, too', () => {
      expect(letters().range({ key: 'a', limit: 1 })).toMatchObject({ kvs: [{ key: 'a' }], more: false });
    });

    it('leaves values out on request and keeps the rest', () => {
      const database = letters();
      const { kvs } = database.range({ ...ALL, keysOnly: true });
      expect(kvs).toEqual(database.range(ALL).kvs.map((record) => ({ ...record, value: '' })));
      expect(database.range({ key: 'a' }).kvs[0]!.value).toBe('A');
    });

    it('orders by creation on request, where an overwritten key stays as old as it is', () => {
      const database = letters();
      write(database, put('c'));
      write(database, remove('a'));
      write(database, put('a'));
      expect(keys(database.range({ ...ALL, oldestFirst: true }))).toBe('cdba');
      expect(database.range({ ...ALL, oldestFirst: true, limit: 2 })).toMatchObject({
        kvs: [{ key: 'c' }, { key: 'd' }],
        more: true,
      });
    });

    it('reads the past as it was, and answers with the present revision', () => {
      const database = new MemoryDatabase();
      write(database, put('a', '1'), put('b', '1'));
      write(database, put('a', '2'), remove('b'));
      write(database, put('b', '3'), put('c', '3'));
      const at = (revision?: number) =>
        database
          .range({ ...ALL, revision })
          .kvs.map(({ key, value, version }) => `${key}${value}v${version}`);

      expect(at(1)).toEqual([]);
      expect(at(2)).toEqual(['a1v1', 'b1v1']);
      expect(at(3)).toEqual(['a2v2']);
      expect(at(4)).toEqual(['a2v2', 'b3v1', 'c3v1']);
      expect(at()).toEqual(at(4));
      expect(database.range({ key: 'a', revision: 2 }).revision).toBe(4);
    });

    it('limits the past as the past was', () => {
      const database = letters();
      write(database, remove('a', 'c'), put('0'), put('x'));
      const page = { key: '\0', rangeEnd: '\0', revision: 5 };
      expect(database.range({ ...page, limit: 3 })).toMatchObject({
        kvs: [{ key: 'a' }, { key: 'b' }, { key: 'c' }],
        more: true,
      });
      expect(database.range({ ...page, limit: 4 })).toMatchObject({ kvs: [{}, {}, {}, {}], more: false });
      expect(database.range({ ...page, limit: 1, oldestFirst: true })).toMatchObject({
        kvs: [{ key: 'c' }],
        more: true,
      });
    });

    it('fills a page of the past, however much of what is there now is new', () => {
      const database = letters();
      for (let i = 0; i < 20; i++) write(database, put(`a${i}`));
      expect(database.range({ ...ALL, revision: 5, limit: 3 })).toMatchObject({
        kvs: [{ key: 'a' }, { key: 'b' }, { key: 'c' }],
        more: true,
      });
    });

    it('refuses the future', () => {
      expect(thrownBy(() => letters().range({ key: 'a', revision: 6 }))).toBeInstanceOf(InvalidArgumentError);
    });

    it('gives the record as it was, its lease included', () => {
      const database = new MemoryDatabase({ clock: new TestClock() });
      const { id } = database.leaseGrant(5);
      write(database, put('a', '', id));
      write(database, put('a'));
      expect(database.range({ key: 'a', revision: 2 }).kvs[0]!.lease).toBe(id);
      expect(database.range({ key: 'a' }).kvs[0]!.lease).toBe('');
    });
  });

  describe('leases', () => {
    function leased() {
      const clock = new TestClock();
      const database = new MemoryDatabase({ clock });
      const lease = database.leaseGrant(5);
      return { clock, database, lease };
    }

    it('delete their keys in one revision when they expire, in byte order', async () => {
      const { clock, database, lease } = leased();
      const keys = ['b', '\u{1f600}', 'a', '\uffff'];
      for (const key of keys) write(database, put(key, 'v', lease.id));
      write(database, put('free'));
      const watch = database.watch({ ...ALL, afterRevision: 6 });

      await clock.advance(4_999);
      expect(keysOf(database)).toHaveLength(5);
      await clock.advance(1);
      expect(keysOf(database)).toEqual(['free']);
      const response = await watch.next();
      expect(response).toMatchObject({ revision: 7, events: [{}, {}, {}, {}] });
      expect(response!.events.map(({ type, kv }) => type + kv.key)).toEqual(
        ['a', 'b', '\uffff', '\u{1f600}'].map((key) => `delete${key}`),
      );
    });

    it('make no revision when they end without keys', async () => {
      const { clock, database, lease } = leased();
      write(database, put('a', '', lease.id));
      write(database, remove('a'));
      await clock.advance(10_000);
      database.leaseRevoke(database.leaseGrant(5).id);
      expect(database.range({ key: 'a' }).revision).toBe(3);
    });

    it('delete their keys at once when revoked', () => {
      const { database, lease } = leased();
      write(database, put('a', '', lease.id), put('b', '', lease.id));
      database.leaseRevoke(lease.id);
      expect(database.range(ALL)).toEqual({ revision: 3, kvs: [], more: false });
      expect(thrownBy(() => write(database, put('a', '', lease.id)))).toBeInstanceOf(LeaseNotFoundError);
    });

    it.each([
      ['without a lease', undefined],
      ["with the lease '', which is none", ''],
    ])('let go of a key that is put %s', async (_, none) => {
      const { clock, database, lease } = leased();
      write(database, put('a', '1', lease.id));
      write(database, put('a', '2', none));
      await clock.advance(10_000);
      expect(database.range({ key: 'a' }).kvs).toMatchObject([{ value: '2', lease: '' }]);
    });

    it('let go of a key that goes over to another lease', async () => {
      const { clock, database, lease } = leased();
      const longer = database.leaseGrant(20);
      write(database, put('a', '', lease.id));
      write(database, put('a', '', longer.id));
      await clock.advance(19_999);
      expect(keysOf(database)).toEqual(['a']);
      await clock.advance(1);
      expect(keysOf(database)).toEqual([]);
    });

    it('let go of a key that was deleted and put anew', async () => {
      const { clock, database, lease } = leased();
      write(database, put('a', '', lease.id));
      write(database, remove('a'));
      write(database, put('a'));
      await clock.advance(10_000);
      expect(keysOf(database)).toEqual(['a']);
    });

    it('keep a key that is put under the same lease again', async () => {
      const { clock, database, lease } = leased();
      write(database, put('a', '1', lease.id));
      write(database, put('a', '2', lease.id));
      expect(database.range({ key: 'a' }).kvs).toMatchObject([{ version: 2, lease: lease.id }]);
      await clock.advance(5_000);
      expect(keysOf(database)).toEqual([]);
    });
  });

  describe('watch', () => {
    it('tells of all changes of a transaction as one revision, with the records before', async () => {
      const database = new MemoryDatabase();
      write(database, put('a', '1'));
      write(database, put('b', '1'));
      const watch = database.watch({ ...ALL, afterRevision: 3 });
      write(database, put('c', '2'), put('a', '2'), remove('b'));

      const none = { createRevision: 0, version: 0, lease: '' };
      expect(await watch.next()).toEqual({
        revision: 4,
        events: [
          {
            type: 'put',
            kv: { key: 'c', value: '2', createRevision: 4, modRevision: 4, version: 1, lease: '' },
            previous: undefined,
          },
          {
            type: 'put',
            kv: { key: 'a', value: '2', createRevision: 2, modRevision: 4, version: 2, lease: '' },
            previous: { key: 'a', value: '1', createRevision: 2, modRevision: 2, version: 1, lease: '' },
          },
          {
            type: 'delete',
            kv: { key: 'b', value: '', modRevision: 4, ...none },
            previous: { key: 'b', value: '1', createRevision: 3, modRevision: 3, version: 1, lease: '' },
          },
        ],
      });
    });

    it('begins in the past and goes on into the future without a gap', async () => {
      const database = new MemoryDatabase();
      for (const value of ['1', '2', '3']) write(database, put('a', value));
      const watch = database.watch({ key: 'a', afterRevision: 2 });
      write(database, put('a', '4'));
      const values: string[] = [];
      for (let i = 0; i < 3; i++) values.push((await watch.next())!.events[0]!.kv.value);
      expect(values).toEqual(['2', '3', '4']);
    });

    it('begins at the first revision of a new store', async () => {
      const database = new MemoryDatabase();
      const watch = database.watch({ key: 'a', afterRevision: 0 });
      write(database, put('a'));
      expect((await watch.next())?.revision).toBe(2);
    });

    it('is refused where no key lies', () => {
      const watch = (): unknown => new MemoryDatabase().watch({ key: 'b', rangeEnd: 'a', afterRevision: 1 });
      expect(thrownBy(watch)).toBeInstanceOf(InvalidArgumentError);
    });

    it('may begin in the future', async () => {
      const database = new MemoryDatabase();
      const watch = database.watch({ key: 'a', afterRevision: 3 });
      for (const value of ['2', '3', '4']) write(database, put('a', value));
      expect(await watch.next()).toMatchObject({ revision: 4 });
    });

    it('fails when it begins in what is compacted', async () => {
      const database = new MemoryDatabase();
      for (let i = 0; i < 3; i++) write(database, put('a'));
      database.compact(3);
      let ended = 0;
      const watch = database.watch({ key: 'other', afterRevision: 2 }, () => ended++);
      await expect(watch.next()).rejects.toMatchObject({ name: 'CompactedError', revision: 4 });
      expect([watch.isOver, ended]).toEqual([true, 1]);
      expect(await database.watch({ key: 'a', afterRevision: 3 }).next()).toMatchObject({ revision: 4 });
    });
  });

  describe('compact', () => {
    function fourRevisions(historyWeight?: number): MemoryDatabase {
      const database = new MemoryDatabase({ historyWeight });
      for (const value of ['2', '3', '4']) write(database, put('a', value));
      return database;
    }

    it('keeps the revision itself readable, and nothing below', () => {
      const database = fourRevisions();
      database.compact(3);
      expect(database.range({ key: 'a', revision: 3 }).kvs).toMatchObject([{ value: '3' }]);
      expect(thrownBy(() => database.range({ key: 'a', revision: 2 }))).toMatchObject({
        name: 'CompactedError',
        code: 'ERR_HMETCD_COMPACTED',
        revision: 4,
      });
    });

    it('leaves the present alone, also at the newest revision', () => {
      const database = fourRevisions();
      database.compact(4);
      expect(database.range({ key: 'a' })).toMatchObject({ revision: 4, kvs: [{ value: '4', version: 3 }] });
      expect(write(database, put('a')).revision).toBe(5);
    });

    it('refuses what is compacted already and what has not come', () => {
      const database = fourRevisions();
      database.compact(3);
      expect(thrownBy(() => database.compact(3))).toBeInstanceOf(CompactedError);
      expect(thrownBy(() => database.compact(2))).toBeInstanceOf(CompactedError);
      expect(thrownBy(() => database.compact(5))).toBeInstanceOf(InvalidArgumentError);
    });

    it('fails the watch that has not read what goes, and no other', async () => {
      const database = fourRevisions();
      const slow = database.watch({ key: 'a', afterRevision: 2 });
      const quick = database.watch({ key: 'a', afterRevision: 2 });
      const idle = database.watch({ key: 'idle', afterRevision: 1 });
      const pending = idle.next();
      await quick.next();
      database.compact(3);

      await expect(slow.next()).rejects.toMatchObject({ name: 'CompactedError', revision: 4 });
      await expect(slow.next()).rejects.toBeInstanceOf(CompactedError);
      expect(await quick.next()).toMatchObject({ revision: 4 });
      write(database, put('idle'));
      expect(await pending).toMatchObject({ revision: 5 });
    });

    it('happens by itself when the history is too heavy, and leaves about half of it', () => {
      const database = new MemoryDatabase({ historyWeight: 3_000 });
      const isReadable = (revision: number): boolean => {
        try {
          return database.range({ key: 'a', revision }).revision >= revision;
        } catch {
          return false;
        }
      };
      const readable: number[] = [];
      for (let last = 2; last <= 60; last++) {
        write(database, put('a', 'x'.repeat(100)));
        const revisions = Array.from({ length: last }, (_, i) => i + 1);
        readable.push(revisions.filter(isReadable).length);
      }
      // A put of 100 characters over 100 others and about as much beside weighs some 300: 10 fit, 5 are left.
      expect(Math.max(...readable)).toBeLessThanOrEqual(11);
      expect(Math.min(...readable.slice(10))).toBeGreaterThanOrEqual(5);
    });

    it('keeps the newest revision, however heavy it is', async () => {
      const database = new MemoryDatabase({ historyWeight: 10 });
      write(database, put('a', '1'));
      const watch = database.watch({ key: 'a', afterRevision: 2 });
      write(database, put('a', 'x'.repeat(1_000)));
      expect(await watch.next()).toMatchObject({ revision: 3 });
      expect(database.range({ key: 'a', revision: 2 }).kvs).toMatchObject([{ value: '1' }]);
    });

    it('bounds what a watch that nobody reads can hold', async () => {
      const database = new MemoryDatabase({ historyWeight: 10_000 });
      const slow = database.watch({ key: 'a', afterRevision: 1 });
      const idle = database.watch({ key: 'idle', afterRevision: 1 });
      for (let i = 0; i < 200; i++) write(database, put('a', 'x'.repeat(100)));
      expect([slow.isOver, idle.isOver]).toEqual([true, false]);
      await expect(slow.next()).rejects.toBeInstanceOf(CompactedError);
    });
  });
});
