import { expect, it } from '@jest/globals';
import { DELETE, type KeyChange, PUT } from '../../lib/kvi/key-change.js';
import type { Fixture } from './backend.js';

async function take(changes: AsyncIterable<KeyChange>, count: number): Promise<KeyChange[]> {
  const taken: KeyChange[] = [];
  for await (const change of changes) {
    if (taken.push(change) === count) break;
  }
  return taken;
}

export function changesContract(fixture: Fixture): void {
  it('begin with the call, not with the loop', async () => {
    const kvi = await fixture.open();
    await kvi.store('k', 'before');
    const changes = kvi.changes('k');
    await kvi.store('k', 'after');
    expect(await take(changes, 1)).toMatchObject([{ value: 'after' }]);
  });

  it('of a key, a prefix, a range, everything', async () => {
    const kvi = await fixture.open();
    const streams = [
      kvi.changes('b'),
      kvi.changes({ prefix: 'b' }),
      kvi.changes({ start: 'b', end: 'c' }),
      kvi.changes({ prefix: '' }),
    ];
    for (const key of ['a', 'b', 'bb', 'c', 'd']) await kvi.store(key, key);
    await kvi.tempKey('e');
    const keys = await Promise.all(
      [1, 2, 3, 6].map(async (count, i) => (await take(streams[i]!, count)).map(({ key }) => key)),
    );
    expect(keys).toEqual([['b'], ['b', 'bb'], ['b', 'bb', 'c'], ['a', 'b', 'bb', 'c', 'd', 'e']]);
  });

  it('come in order of revision, with op, value and, where asked for, the value before', async () => {
    const kvi = await fixture.open();
    const plain = kvi.changes('k');
    const previous = kvi.changes('k', { prevValue: true });
    await kvi.store('k', '1');
    await kvi.store('k', '2');
    await kvi.delete('k');
    const seen = await take(plain, 3);
    expect(seen).toEqual([
      { key: 'k', op: PUT, value: '1', revision: expect.any(Number) },
      { key: 'k', op: PUT, value: '2', revision: expect.any(Number) },
      { key: 'k', op: DELETE, value: undefined, revision: expect.any(Number) },
    ]);
    const revisions = seen.map(({ revision }) => revision);
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
    expect(new Set(revisions).size).toBe(3);
    const before = (await take(previous, 3)).map((change) => [
      Object.hasOwn(change, 'prevValue'),
      change.prevValue,
    ]);
    expect(before).toEqual([
      [false, undefined],
      [true, '1'],
      [true, '2'],
    ]);
  });

  it('of one kind only, when asked for', async () => {
    const kvi = await fixture.open();
    const [puts, deletes] = [kvi.changes('k', { op: PUT }), kvi.changes('k', { op: DELETE })];
    await kvi.store('k', '1');
    await kvi.delete('k');
    await kvi.store('k', '2');
    await kvi.delete('k');
    expect((await take(puts, 2)).map(({ value }) => value)).toEqual(['1', '2']);
    expect((await take(deletes, 2)).map(({ op }) => op)).toEqual([DELETE, DELETE]);
  });

  it('from a revision on, that one included', async () => {
    const kvi = await fixture.open();
    await kvi.store('k', '1');
    await kvi.store('k', '2');
    const { entries } = await kvi.snapshot('k');
    const { revision } = entries[0]!;
    await kvi.store('k', '3');
    const seen = await take(kvi.changes('k', { fromRevision: revision }), 2);
    expect(seen.map(({ value }) => value)).toEqual(['2', '3']);
  });

  it('end with break, return, and the close of the handle', async () => {
    const kvi = await fixture.open();
    const left = kvi.changes('k');
    await kvi.store('k', '1');
    await take(left, 1);
    expect(await left.next()).toEqual({ done: true, value: undefined });

    const returned = kvi.changes('k');
    const pending = returned.next();
    await returned.return!();
    expect(await pending).toEqual({ done: true, value: undefined });

    const closed = kvi.changes('k');
    const last = closed.next();
    await kvi.close();
    expect(await last).toEqual({ done: true, value: undefined });
  });

  it("reject with the signal's reason", async () => {
    const kvi = await fixture.open();
    const reason = new Error('enough');
    const controller = new AbortController();
    const changes = kvi.changes('k', { signal: controller.signal });
    const pending = changes.next();
    await kvi.get('k');
    controller.abort(reason);
    await expect(pending).rejects.toBe(reason);
    await expect(kvi.changes('k', { signal: AbortSignal.abort(reason) }).next()).rejects.toBe(reason);
  });

  it('answer several calls of next in order', async () => {
    const kvi = await fixture.open();
    const changes = kvi.changes('k');
    const pending = [changes.next(), changes.next(), changes.next()];
    for (const value of ['1', '2', '3']) await kvi.store('k', value);
    const values = (await Promise.all(pending)).map(({ value }) => (value as KeyChange).value);
    expect(values).toEqual(['1', '2', '3']);
    await changes.return!();
  });

  it('of temporary keys include their end with the session', async () => {
    const [kvi, other] = await fixture.openSeveral(2);
    const changes = kvi!.changes({ prefix: 'member/' });
    await other!.tempKey('member/1');
    await other!.tempKey('member/2');
    await other!.close();
    const seen = await take(changes, 4);
    expect(seen.map(({ key, op }) => [key, op])).toEqual([
      ['member/1', PUT],
      ['member/2', PUT],
      ['member/1', DELETE],
      ['member/2', DELETE],
    ]);
  });
}
