import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { CompactedError } from '../../lib/store/errors.js';
import { prefixSpan } from '../../lib/store/key-span.js';
import { MemoryDatabase } from '../../lib/store/memory/database.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import { NamespacedStore } from '../../lib/store/namespaced-store.js';
import type { KeySpan, Operation, Store } from '../../lib/store/store.js';
import { InterceptedStore } from '../support/intercepted-store.js';
import { anyKey, anyText } from './keys.js';

const ALL = { key: '\0', rangeEnd: '\0' };
const put = (key: string, value = '', lease?: string): Operation => ({ type: 'put', key, value, lease });

/** Two namespaces of one store, and that store itself, with neighbours on both sides of the first. */
async function namespaces(name = 'app/') {
  const database = new MemoryDatabase();
  const whole = new MemoryStore(database);
  await whole.txn({ success: ['app', 'app.', 'app/', 'app0', 'b'].map((key) => put(key, 'foreign')) });
  const inside = new NamespacedStore(new MemoryStore(database), name);
  return { database, whole, inside };
}

async function keysIn(store: Store, span: KeySpan = ALL): Promise<string[]> {
  return (await store.range(span)).kvs.map(({ key }) => key);
}

describe('NamespacedStore', () => {
  it('puts its keys behind the prefix and shows them without it', async () => {
    const { whole, inside } = await namespaces();
    await inside.txn({ success: [put('a', '1'), put('\0', '0')] });
    expect(await keysIn(whole, prefixSpan('app/'))).toEqual(['app/', 'app/\0', 'app/a']);
    expect((await inside.range({ key: 'a' })).kvs).toMatchObject([{ key: 'a', value: '1' }]);
    expect(await keysIn(inside)).toEqual(['\0', 'a']);
  });

  it('ends with its prefix: to the last key is to its own last key', async () => {
    const { whole, inside } = await namespaces();
    await inside.txn({ success: [put('a'), put('\u{10ffff}')] });
    expect(await keysIn(inside, { key: 'a', rangeEnd: '\0' })).toEqual(['a', '\u{10ffff}']);
    const response = await inside.txn({ success: [{ type: 'delete', ...ALL }] });
    expect(response.responses).toEqual([{ type: 'delete', deleted: 2 }]);
    expect(await keysIn(whole)).toEqual(['app', 'app.', 'app/', 'app0', 'b']);
  });

  it('is doing as the whole store is', async () => {
    const { whole, inside } = await namespaces();
    expect(await inside.health(100)).toEqual(await whole.health());
  });

  it('translates comparisons, both branches and what they answer', async () => {
    const { whole, inside } = await namespaces();
    await inside.txn({ success: [put('a', '1')] });
    const ask = (value: string) =>
      inside.txn({
        compare: [
          { target: 'value', key: 'a', operator: '=', value },
          { target: 'create', ...prefixSpan('x'), operator: '=', revision: 0 },
        ],
        success: [{ type: 'range', ...ALL }, put('then')],
        failure: [put('else'), { type: 'range', ...ALL }],
      });
    expect(await ask('1')).toMatchObject({
      succeeded: true,
      responses: [{ type: 'range', kvs: [{ key: 'a' }] }, { type: 'put' }],
    });
    expect(await ask('2')).toMatchObject({
      succeeded: false,
      responses: [{ type: 'put' }, { type: 'range', kvs: [{ key: 'a' }, { key: 'else' }, { key: 'then' }] }],
    });
    expect(await keysIn(whole, { key: 'a', rangeEnd: 'app/' })).toEqual(['app', 'app.']);
  });

  it('translates nested transactions and what they answer, however deep', async () => {
    const { whole, inside } = await namespaces();
    await inside.txn({ success: [put('a', '1')] });
    const all: Operation = { type: 'range', ...ALL };
    const innermost: Operation = { type: 'txn', success: [put('b'), all] };
    const choice = (key: string): Operation => ({
      type: 'txn',
      compare: [{ target: 'create', key, operator: '=', revision: 0 }],
      success: [innermost],
      failure: [all],
    });
    const { responses } = await inside.txn({ success: [choice('a')], failure: [] });
    expect(responses).toMatchObject([{ succeeded: false, responses: [{ kvs: [{ key: 'a' }] }] }]);

    const answer = await inside.txn({ success: [choice('b'), { type: 'txn', success: [put('c')] }] });
    expect(answer).toMatchObject({
      succeeded: true,
      revision: 4,
      responses: [
        {
          type: 'txn',
          succeeded: true,
          responses: [
            { succeeded: true, responses: [{ type: 'put' }, { kvs: [{ key: 'a' }, { key: 'b' }] }] },
          ],
        },
        { type: 'txn', responses: [{ type: 'put' }] },
      ],
    });
    expect(await keysIn(whole, prefixSpan('app/'))).toEqual(['app/', 'app/a', 'app/b', 'app/c']);
  });

  it('asks for the revision at a key behind the prefix: there the user may read', async () => {
    const { database } = await namespaces();
    const store = new InterceptedStore(new MemoryStore(database));
    const { revision } = await store.range({ key: 'a' });
    expect(await new NamespacedStore(store, 'app/').revision('k')).toBe(revision);
    expect(store.calls.at(-1)).toEqual({ verb: 'revision', request: 'app/k' });
  });

  it('asks nothing but what it was asked', async () => {
    const { inside } = await namespaces();
    expect(await inside.txn({})).toMatchObject({ succeeded: true, responses: [] });
  });

  it('watches its own keys and shows them, and what they were, without the prefix', async () => {
    const { whole, inside } = await namespaces();
    const { revision } = await inside.range({ key: 'a' });
    const watch = await inside.watch({ ...ALL, afterRevision: revision });
    const one = await inside.watch({ key: 'a', afterRevision: revision });
    await whole.txn({ success: [put('app'), put('app0'), put('a')] });
    await inside.txn({ success: [put('a', '1'), put('b', '1')] });
    await inside.txn({ success: [put('a', '2'), { type: 'delete', key: 'b' }] });

    expect(await watch.next()).toMatchObject({
      revision: 4,
      events: [{ kv: { key: 'a' } }, { kv: { key: 'b' } }],
    });
    expect(await watch.next()).toMatchObject({
      revision: 5,
      events: [
        { type: 'put', kv: { key: 'a', value: '2' }, previous: { key: 'a', value: '1' } },
        { type: 'delete', kv: { key: 'b' }, previous: { key: 'b', value: '1' } },
      ],
    });
    expect((await one.next())!.events[0]!.previous).toBeUndefined();
    watch.requestProgress();
    expect(await watch.next()).toEqual({ revision: 5, events: [] });
    watch.cancel();
    expect(await watch.next()).toBeUndefined();
  });

  it('lets errors through', async () => {
    const { database, inside } = await namespaces();
    await inside.txn({ success: [put('a')] });
    database.compact(3);
    await expect(inside.range({ key: 'a', revision: 2 })).rejects.toBeInstanceOf(CompactedError);
    const watch = await inside.watch({ key: 'a', afterRevision: 2 });
    await expect(watch.next()).rejects.toBeInstanceOf(CompactedError);
  });

  it('shares leases with the store below, and closes it', async () => {
    const { whole, inside } = await namespaces();
    const { id, ttlSec } = await inside.leaseGrant(5);
    await inside.txn({ success: [put('a', '', id)] });
    expect((await inside.range({ key: 'a' })).kvs).toMatchObject([{ lease: id }]);
    expect(await inside.leaseKeepAlive(id)).toBe(ttlSec);
    await whole.leaseRevoke(id);
    expect(await keysIn(inside)).toEqual([]);
    expect(await inside.leaseKeepAlive(id)).toBe(0);
    await inside.leaseRevoke(id);
    await inside.close();
    await expect(inside.range({ key: 'a' })).rejects.toMatchObject({ name: 'ClosedError' });
  });

  it('behaves as a store of its own, whatever lies around it', async () => {
    const span = fc.record({ key: anyKey, rangeEnd: fc.option(anyKey, { nil: undefined }) });
    await fc.assert(
      fc.asyncProperty(
        anyText,
        fc.uniqueArray(anyKey, { maxLength: 10 }),
        fc.uniqueArray(anyKey, { maxLength: 10 }),
        fc.oneof(span, fc.constant(ALL)),
        async (name, around, keys, request) => {
          const inside = new NamespacedStore(new MemoryStore(new MemoryDatabase()), name);
          const alone = new MemoryStore(new MemoryDatabase());
          for (const store of [inside, alone]) await store.txn({ success: keys.map((key) => put(key)) });

          const database = new MemoryDatabase();
          const whole = new MemoryStore(database);
          const crowded = new NamespacedStore(new MemoryStore(database), name);
          await crowded.txn({ success: keys.map((key) => put(key)) });
          const foreign = around.filter((key) => !key.startsWith(name) || key === name);
          await whole.txn({ success: foreign.map((key) => put(key)) });

          const expected = await keysIn(alone, request);
          expect(await keysIn(inside, request)).toEqual(expected);
          expect(await keysIn(crowded, request)).toEqual(expected);
          const { responses } = await crowded.txn({ success: [{ type: 'delete', ...request }] });
          expect(responses).toEqual([{ type: 'delete', deleted: expected.length }]);
        },
      ),
      { numRuns: 500 },
    );
  });
});
