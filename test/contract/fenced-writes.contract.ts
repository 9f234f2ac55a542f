import { describe, expect, it } from '@jest/globals';
import { LockLostError } from '../../lib/kvi/errors.js';
import type { FencedWrites } from '../../lib/kvi/kvi.js';
import { InvalidArgumentError } from '../../lib/store/errors.js';
import { aborted, type Fixture } from './backend.js';

const WRITES: [keyof FencedWrites, (kv: FencedWrites) => Promise<unknown>][] = [
  ['store', (kv) => kv.store('data', 'late')],
  ['delete', (kv) => kv.delete('data')],
  ['tas', (kv) => kv.tas('data', 'first', 'late')],
  ['transaction', (kv) => kv.transaction('data', '=', 'first', 'data', 'late')],
  ['transaction', (kv) => kv.transaction('data', '=', 'another', 'other', '', 'data', 'late')],
];

export function fencedWritesContract(fixture: Fixture): void {
  describe('while the lock is held', () => {
    it('do what those of the handle do', async () => {
      const kvi = await fixture.open();
      const { kv } = await kvi.lock('jobs');
      await kv.store('a', '1');
      expect(await kvi.get('a')).toBe('1');
      expect(await kv.tas('a', '1', '2')).toBe(true);
      expect(await kv.tas('a', '1', '3')).toBe(false);
      expect(await kvi.get('a')).toBe('2');
      expect(await kv.transaction('a', '=', '2', 'then', 'T', 'else', 'E')).toBe(true);
      expect(await kv.transaction('a', '=', '1', 'never', 'T', 'else', 'E')).toBe(false);
      expect(await kv.transaction('a', '=', '1', 'never', 'T')).toBe(false);
      await kv.delete('a');
      await kv.delete('missing');
      const pairs = await kvi.getRange('a', 'z');
      expect(pairs.filter(({ key }) => !key.startsWith('jobs/'))).toEqual([
        { key: 'else', value: 'E' },
        { key: 'then', value: 'T' },
      ]);
    });

    it('may name one key in both branches', async () => {
      const kvi = await fixture.open();
      const { kv } = await kvi.lock('jobs');
      await kv.store('a', '1');
      expect(await kv.transaction('a', '=', '1', 'a', 'then', 'a', 'else')).toBe(true);
      expect(await kv.transaction('a', '=', '1', 'a', 'then', 'a', 'else')).toBe(false);
      expect(await kvi.get('a')).toBe('else');
    });

    it('check their arguments', async () => {
      const { kv } = await (await fixture.open()).lock('jobs');
      await expect(kv.store('', 'v')).rejects.toThrow(/^key /);
      await expect(kv.tas('k', 7 as never, 'v')).rejects.toThrow(/^testValue /);
      await expect(kv.delete('\0hmetcd/x')).rejects.toBeInstanceOf(InvalidArgumentError);
      await expect(kv.transaction('k', '~' as never, 'v', 'k', 'v')).rejects.toThrow(/^op /);
    });
  });

  describe.each(WRITES)('%s', (_name, write) => {
    it('is refused by the store when the key was removed, though nobody has told the holder', async () => {
      const kvi = await fixture.open();
      await kvi.store('data', 'first');
      const lock = await kvi.lock('jobs');
      const removed = fixture.foreign.txn({ success: [{ type: 'delete', key: lock.key }] });
      const { modRevision } = (await fixture.foreign.range({ key: 'data' })).kvs[0]!;
      await removed;
      await expect(write(lock.kv)).rejects.toBeInstanceOf(LockLostError);
      expect((await fixture.foreign.range({ key: 'data' })).kvs[0]).toMatchObject({ modRevision });
      expect(await aborted(lock.signal)).toBeInstanceOf(LockLostError);
    });

    it('is refused when the key was put anew', async () => {
      const kvi = await fixture.open();
      await kvi.store('data', 'first');
      const lock = await kvi.lock('jobs');
      await fixture.foreign.txn({ success: [{ type: 'delete', key: lock.key }] });
      await fixture.foreign.txn({ success: [{ type: 'put', key: lock.key, value: 'of another' }] });
      await expect(write(lock.kv)).rejects.toBeInstanceOf(LockLostError);
      expect(await kvi.get('data')).toBe('first');
    });

    it('is refused after the release', async () => {
      const kvi = await fixture.open();
      await kvi.store('data', 'first');
      const lock = await kvi.lock('jobs');
      await lock.release();
      await expect(write(lock.kv)).rejects.toBeInstanceOf(LockLostError);
      expect(await kvi.get('data')).toBe('first');
    });
  });

  it('of one hold are not those of the next', async () => {
    const [one, two] = await fixture.openSeveral(2);
    const lost = await one!.lock('jobs');
    const granted = two!.lock('jobs');
    await fixture.queueOf('jobs', 2);
    await fixture.revokeLeaseOf(lost.key);
    const held = await granted;
    await held.kv.store('data', 'of the second');
    await expect(lost.kv.store('data', 'of the first')).rejects.toBeInstanceOf(LockLostError);
    expect(await two!.get('data')).toBe('of the second');
  });
}
