import { describe, expect, it } from '@jest/globals';
import type { KeyValue } from '../../lib/kvi/kvi.js';
import type { Fixture } from './backend.js';

const ODD_KEYS = ['a', 'a\0', 'a\u{1F600}', 'a\uFFFF', 'a\uE000', 'a\uD7FF', 'a/', 'b', '\u{10FFFF}', 'é'];

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

async function collect(pairs: AsyncIterable<KeyValue>): Promise<KeyValue[]> {
  const collected: KeyValue[] = [];
  for await (const pair of pairs) collected.push(pair);
  return collected;
}

export function keysContract(fixture: Fixture): void {
  it('reads what was stored, and undefined for a missing key', async () => {
    const kvi = await fixture.open();
    expect(await kvi.get('key')).toBeUndefined();
    await kvi.store('key', 'value');
    expect(await kvi.get('key')).toBe('value');
    await kvi.store('key', 'other');
    expect(await kvi.get('key')).toBe('other');
  });

  it('answers nothing to a store and a delete', async () => {
    const kvi = await fixture.open();
    expect(await kvi.store('key', 'value')).toBeUndefined();
    expect(await kvi.delete('key')).toBeUndefined();
  });

  it("takes '' for a value", async () => {
    const kvi = await fixture.open();
    await kvi.store('key', '');
    expect(await kvi.get('key')).toBe('');
    expect(await kvi.getPrefix('key')).toEqual([{ key: 'key', value: '' }]);
  });

  it.each(ODD_KEYS)('keeps the key %j apart from all others, and its value whole', async (key) => {
    const kvi = await fixture.open();
    await kvi.store(key, `value of ${key}`);
    expect(await kvi.get(key)).toBe(`value of ${key}`);
    expect(await kvi.get(`${key}x`)).toBeUndefined();
  });

  it('deletes a key, and does not mind a missing one', async () => {
    const kvi = await fixture.open();
    await kvi.store('key', 'value');
    await kvi.delete('key');
    await kvi.delete('key');
    expect(await kvi.get('key')).toBeUndefined();
  });

  it('creates only what does not exist, also anew after a delete', async () => {
    const kvi = await fixture.open();
    expect(await kvi.createIfAbsent('key', '')).toBe(true);
    expect(await kvi.createIfAbsent('key', 'second')).toBe(false);
    expect(await kvi.get('key')).toBe('');
    await kvi.delete('key');
    expect(await kvi.createIfAbsent('key', 'third')).toBe(true);
    expect(await kvi.get('key')).toBe('third');
  });

  it('shows one store to all its handles', async () => {
    const [one, two] = await fixture.openSeveral(2);
    await one!.store('key', 'value');
    expect(await two!.get('key')).toBe('value');
  });

  describe("the original's own checks", () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `key_${String(i).padStart(4, '0')}`);

    it('stores 1,000 keys, reads them back, and ranges over 401 of them', async () => {
      const kvi = await fixture.open();
      await Promise.all(keys.map((key, i) => kvi.store(key, `val_${i}`)));
      expect(await Promise.all(keys.map((key) => kvi.get(key)))).toEqual(keys.map((_, i) => `val_${i}`));

      const range = await kvi.getRange('key_0100', 'key_0500');
      expect(range).toHaveLength(401);
      expect(range).toEqual(keys.slice(100, 501).map((key, i) => ({ key, value: `val_${i + 100}` })));
    });
  });

  describe('ranges', () => {
    it('are in byte order, not in that of UTF-16 units', async () => {
      const kvi = await fixture.open();
      await Promise.all(ODD_KEYS.map((key) => kvi.store(key, key)));
      const sorted = ODD_KEYS.toSorted(byBytes);
      expect((await kvi.getPrefix('')).map(({ key }) => key)).toEqual(sorted);
      expect((await kvi.getRange(sorted[0]!, sorted.at(-1)!)).map(({ key }) => key)).toEqual(sorted);
    });

    it('include both ends', async () => {
      const kvi = await fixture.open();
      for (const key of ['a', 'b', 'b\0', 'c']) await kvi.store(key, key);
      expect((await kvi.getRange('a', 'b')).map(({ key }) => key)).toEqual(['a', 'b']);
      expect((await kvi.getRange('b', 'b')).map(({ key }) => key)).toEqual(['b']);
    });

    it('are empty when the start comes after the end', async () => {
      const kvi = await fixture.open();
      await kvi.store('b', 'value');
      expect(await kvi.getRange('c', 'a')).toEqual([]);
      expect(await collect(kvi.scan({ start: 'c', end: 'a' }))).toEqual([]);
    });

    it.each(['a', 'a\uD7FF', 'a\u{10FFFF}', '\u{10FFFF}', ''])(
      'of the prefix %j have just what begins with it',
      async (prefix) => {
        const kvi = await fixture.open();
        const keys = [...ODD_KEYS, 'a\uD7FFx', 'a\u{10FFFF}x', '\u{10FFFF}\u{10FFFF}'];
        await Promise.all(keys.map((key) => kvi.store(key, key)));
        const expected = keys.filter((key) => key.startsWith(prefix)).toSorted(byBytes);
        expect((await kvi.getPrefix(prefix)).map(({ key }) => key)).toEqual(expected);
      },
    );

    it('never show what the library keeps for itself', async () => {
      const kvi = await fixture.open();
      await kvi.tempKey('temp');
      const own = await fixture.foreign.range({ key: '\0hmetcd/', rangeEnd: '\0hmetcd0' });
      expect(own.kvs.length).toBeGreaterThan(0);
      for (const pairs of [
        await kvi.getPrefix(''),
        await kvi.getRange('\0', 'zzz'),
        await collect(kvi.scan({ prefix: '' })),
        (await kvi.snapshot({ prefix: '' })).entries,
      ]) {
        expect(pairs.map(({ key }) => key)).toEqual(['temp']);
      }
    });
  });

  describe('scan', () => {
    it('reads many pages at one revision while another writes', async () => {
      const kvi = await fixture.open();
      const keys = Array.from({ length: 2500 }, (_, i) => `scan/${String(i).padStart(5, '0')}`);
      await Promise.all(keys.map((key) => kvi.store(key, 'before')));
      const seen: KeyValue[] = [];
      for await (const pair of kvi.scan({ prefix: 'scan/' })) {
        if (seen.length === 0) {
          await kvi.store(keys[2000]!, 'after');
          await kvi.delete(keys[2100]!);
          await kvi.store('scan/02200a', 'after');
        }
        seen.push(pair);
      }
      expect(seen).toEqual(keys.map((key) => ({ key, value: 'before' })));
    });

    it('takes each form of a range', async () => {
      const kvi = await fixture.open();
      for (const key of ['a', 'ab', 'b']) await kvi.store(key, key);
      const keysOf = async (range: Parameters<typeof kvi.scan>[0]): Promise<string[]> =>
        (await collect(kvi.scan(range))).map(({ key }) => key);
      expect(await keysOf('a')).toEqual(['a']);
      expect(await keysOf({ prefix: 'a' })).toEqual(['a', 'ab']);
      expect(await keysOf({ start: 'ab', end: 'b' })).toEqual(['ab', 'b']);
    });
  });

  describe('snapshot', () => {
    it('tells its revision, from which changes go on without a gap', async () => {
      const kvi = await fixture.open();
      await kvi.store('a', '1');
      await kvi.store('b', '2');
      const { revision, entries } = await kvi.snapshot({ prefix: '' });
      expect(entries).toEqual([
        { key: 'a', value: '1', revision: revision - 1 },
        { key: 'b', value: '2', revision },
      ]);
      await kvi.store('a', '3');
      const next = await kvi.changes({ prefix: '' }, { fromRevision: revision + 1 }).next();
      expect(next.value).toMatchObject({ key: 'a', value: '3', revision: revision + 1 });
    });
  });

  describe('a namespace', () => {
    it('moves every key, and is not seen from inside', async () => {
      const [inside, outside] = [await fixture.open({ namespace: 'app/' }), await fixture.open()];
      await outside.store('zzz', 'outside');
      await inside.store('key', 'value');
      await inside.lock('jobs');
      expect(await inside.get('key')).toBe('value');
      expect((await inside.getPrefix('')).map(({ key }) => key.split('/')[0])).toEqual(['jobs', 'key']);
      expect(await outside.get('app/key')).toBe('value');
      expect((await outside.getPrefix('app/jobs/')).length).toBe(1);
    });

    it('carries changes and conditions', async () => {
      const kvi = await fixture.open({ namespace: 'app/' });
      const change = kvi.watch('key');
      await kvi.createIfAbsent('key', 'value');
      expect(await change).toMatchObject({ key: 'key', value: 'value' });
      expect(await kvi.tas('key', 'value', 'other')).toBe(true);
      expect(await kvi.getRange('a', 'z')).toEqual([{ key: 'key', value: 'other' }]);
    });
  });
}
