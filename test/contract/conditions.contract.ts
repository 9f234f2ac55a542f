import { describe, expect, it } from '@jest/globals';
import type { Fixture } from './backend.js';

export function conditionsContract(fixture: Fixture): void {
  describe('transaction', () => {
    // The original's nine cases, and what makes them up to all of them.
    it.each([
      ['=', 'm', true],
      ['=', 'n', false],
      ['!=', 'n', true],
      ['!=', 'm', false],
      ['<', 'n', true],
      ['<', 'm', false],
      ['<', 'a', false],
      ['>', 'a', true],
      ['>', 'm', false],
      ['>', 'n', false],
    ] as const)("with 'm' %s '%s' answers %s and does that branch", async (op, value, holds) => {
      const kvi = await fixture.open();
      await kvi.store('key', 'm');
      expect(await kvi.transaction('key', op, value, 'then', 'T', 'else', 'E')).toBe(holds);
      expect(await kvi.get('then')).toBe(holds ? 'T' : undefined);
      expect(await kvi.get('else')).toBe(holds ? undefined : 'E');
      expect(await kvi.get('key')).toBe('m');
    });

    it.each(['=', '!=', '<', '>'] as const)('with %s on a missing key is false', async (op) => {
      const kvi = await fixture.open();
      for (const value of ['', 'x']) {
        expect(await kvi.transaction('missing', op, value, 'then', 'T', 'else', 'E')).toBe(false);
      }
      expect(await kvi.get('then')).toBeUndefined();
      expect(await kvi.get('else')).toBe('E');
    });

    it('writes nothing in an else branch that was left out', async () => {
      const kvi = await fixture.open();
      await kvi.store('key', 'm');
      expect(await kvi.transaction('key', '=', 'n', 'then', 'T')).toBe(false);
      expect(await kvi.getPrefix('')).toEqual([{ key: 'key', value: 'm' }]);
    });

    it('may write the key that it tests, and the same one in both branches', async () => {
      const kvi = await fixture.open();
      await kvi.store('key', 'm');
      expect(await kvi.transaction('key', '=', 'm', 'key', 'then', 'key', 'else')).toBe(true);
      expect(await kvi.transaction('key', '=', 'm', 'key', 'then', 'key', 'else')).toBe(false);
      expect(await kvi.get('key')).toBe('else');
    });

    it('compares by bytes: an emoji comes after U+FFFF', async () => {
      const kvi = await fixture.open();
      await kvi.store('key', '\u{1F600}');
      expect(await kvi.transaction('key', '>', '\uFFFF', 'then', 'T')).toBe(true);
      expect(await kvi.transaction('key', '<', '\uFFFF', 'then', 'T')).toBe(false);
    });

    it("compares '' as a value like any other", async () => {
      const kvi = await fixture.open();
      await kvi.store('key', '');
      expect(await kvi.transaction('key', '=', '', 'then', 'T')).toBe(true);
      expect(await kvi.transaction('key', '<', 'a', 'then', 'T')).toBe(true);
    });
  });

  describe('tas', () => {
    it('sets on the test value and only then', async () => {
      const kvi = await fixture.open();
      await kvi.store('key', 'a');
      expect(await kvi.tas('key', 'x', 'b')).toBe(false);
      expect(await kvi.get('key')).toBe('a');
      expect(await kvi.tas('key', 'a', 'b')).toBe(true);
      expect(await kvi.get('key')).toBe('b');
    });

    it('does not set a missing key', async () => {
      const kvi = await fixture.open();
      expect(await kvi.tas('missing', '', 'b')).toBe(false);
      expect(await kvi.get('missing')).toBeUndefined();
    });

    it('lets exactly one of many through', async () => {
      const handles = await fixture.openSeveral(5);
      await handles[0]!.store('key', 'free');
      const answers = await Promise.all(handles.map((kvi, i) => kvi.tas('key', 'free', `taken by ${i}`)));
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect(await handles[0]!.get('key')).toBe(`taken by ${answers.indexOf(true)}`);
    });
  });

  it('issued without waiting are met in the order of their calls', async () => {
    const kvi = await fixture.open();
    const answers = await Promise.all([
      kvi.store('key', '1'),
      kvi.tas('key', '1', '2'),
      kvi.tas('key', '2', '3'),
      kvi.transaction('key', '=', '3', 'then', 'T', 'then', 'E'),
      kvi.delete('key'),
      kvi.tas('key', '3', '4'),
      kvi.createIfAbsent('key', '5'),
      kvi.createIfAbsent('key', '6'),
    ]);
    expect(answers).toEqual([undefined, true, true, true, undefined, false, true, false]);
    expect(await kvi.getPrefix('')).toEqual([
      { key: 'key', value: '5' },
      { key: 'then', value: 'T' },
    ]);
  });
}
