import { describe, expect, it } from '@jest/globals';
import { DELETE, type KeyChange, PUT } from '../../lib/kvi/key-change.js';
import { ClosedError, InvalidArgumentError } from '../../lib/store/errors.js';
import { type Fixture, gate, rejectionOf } from './backend.js';

export function observeContract(fixture: Fixture): void {
  it('shows the range as it is, in byte order', async () => {
    const kvi = await fixture.open();
    for (const key of ['k/\u{1F600}', 'k/b', 'k/\uFFFF', 'k/a', 'other']) await kvi.store(key, `of ${key}`);
    await using view = await kvi.observe({ prefix: 'k/' });
    expect([...view]).toEqual((await kvi.getPrefix('k/')).map(({ key, value }) => [key, value]));
    expect([...view.keys()]).toEqual(['k/a', 'k/b', 'k/\uFFFF', 'k/\u{1F600}']);
    expect([...view.values()][0]).toBe('of k/a');
    expect([view.size, view.get('k/b'), view.has('k/b'), view.get('other')]).toEqual([
      4,
      'of k/b',
      true,
      undefined,
    ]);
    expect(view.revision).toBe((await kvi.snapshot('k/a')).revision);
    expect([view.isCurrent, view.staleSince]).toEqual([true, undefined]);
  });

  it('is kept in step, and tells each change with the value before', async () => {
    const kvi = await fixture.open();
    await kvi.store('k/a', '1');
    await using view = await kvi.observe({ start: 'k/a', end: 'k/z' });
    const changes: KeyChange[] = [];
    view.onChange((change) => {
      expect(view.get(change.key)).toBe(change.value);
      expect(view.revision).toBe(change.revision);
      changes.push(change);
    });
    await kvi.store('k/a', '2');
    await view.sync();
    await kvi.store('k/b', '3');
    await view.sync();
    await kvi.delete('k/a');
    await kvi.store('other', '4');
    await view.sync();
    expect(changes).toEqual([
      { key: 'k/a', revision: expect.any(Number), op: PUT, value: '2', prevValue: '1' },
      { key: 'k/b', revision: expect.any(Number), op: PUT, value: '3' },
      { key: 'k/a', revision: expect.any(Number), op: DELETE, value: undefined, prevValue: '2' },
    ]);
    expect([...view]).toEqual([['k/b', '3']]);
    expect(view.revision).toBe((await kvi.snapshot('other')).revision);
  });

  it("never shows half of a transaction, nor the library's own keys", async () => {
    const kvi = await fixture.open();
    await using view = await kvi.observe({ prefix: '' });
    const sizes: number[] = [];
    view.onChange(() => sizes.push(view.size));
    const puts = ['a', 'b', '\0hmetcd/x'].map((key) => ({ type: 'put', key, value: '' }) as const);
    await fixture.foreign.txn({ success: puts });
    await view.sync();
    expect(sizes).toEqual([2, 2]);
    expect([...view.keys()]).toEqual(['a', 'b']);
  });

  it('has caught up, after sync, with what another has written before', async () => {
    const [kvi, writer] = await fixture.openSeveral(2);
    await using view = await kvi!.observe('k');
    for (let round = 0; round < 50; round++) {
      await writer!.store(round % 2 === 0 ? 'k' : 'elsewhere', String(round));
      await view.sync();
      expect(view.get('k')).toBe(String(round - (round % 2)));
    }
  });

  describe('a listener', () => {
    it('that throws or rejects is logged, and keeps nobody from being told', async () => {
      const kvi = await fixture.open();
      await using view = await kvi.observe('k');
      const told: unknown[] = [];
      view.onChange(() => {
        throw new Error('secret value');
      });
      view.onChange(() => Promise.reject(new TypeError('secret value')));
      view.onChange(({ value }) => told.push(value));
      await kvi.store('k', '1');
      await kvi.store('k', '2');
      await view.sync();
      expect(told).toEqual(['1', '2']);
      expect(fixture.logger.at('error')).toHaveLength(4);
      expect(fixture.logger.at('error')[0]).toMatch(/^The view of 'k' has a listener that threw Error/);
      expect(fixture.logger.at('error').join()).not.toContain('secret');
    });

    it('is told nothing after it was taken away, though it was added twice', async () => {
      const kvi = await fixture.open();
      await using view = await kvi.observe('k');
      const told: unknown[] = [];
      const listener = ({ value }: KeyChange): unknown => told.push(value);
      const [first, second] = [view.onChange(listener), view.onChange(listener)];
      await kvi.store('k', '1');
      await view.sync();
      first();
      first();
      await kvi.store('k', '2');
      await view.sync();
      second();
      await kvi.store('k', '3');
      await view.sync();
      expect(told).toEqual(['1', '1', '2']);
    });

    it('that is added or taken away by another is told from then on, or no more', async () => {
      const kvi = await fixture.open();
      await using view = await kvi.observe({ prefix: 'k/' });
      const told: unknown[] = [];
      const tell =
        (name: string) =>
        ({ key }: KeyChange): unknown =>
          told.push([name, key]);
      let taken = (): void => {};
      // It takes itself away and adds itself anew each time, which must not be called for the same change again.
      const renew = (change: KeyChange): void => {
        off();
        off = view.onChange(renew);
        taken();
        tell('renewed')(change);
      };
      let off = view.onChange(renew);
      taken = view.onChange(tell('taken away'));
      const put = (key: string) => ({ type: 'put', key, value: '' }) as const;
      await fixture.foreign.txn({ success: [put('k/a'), put('k/b')] });
      await view.sync();
      await fixture.foreign.txn({ success: [put('k/c')] });
      await view.sync();
      expect(told).toEqual([
        ['renewed', 'k/a'],
        ['renewed', 'k/c'],
      ]);
    });

    it('that closes the view is the last that is told', async () => {
      const kvi = await fixture.open();
      const view = await kvi.observe({ prefix: 'k/' });
      const told: string[] = [];
      view.onChange(({ key }) => {
        told.push(key);
        void view.close();
      });
      view.onChange(({ key }) => told.push(key));
      const put = (key: string) => ({ type: 'put', key, value: '' }) as const;
      await fixture.foreign.txn({ success: [put('k/a'), put('k/b')] });
      await using other = await kvi.observe({ prefix: 'k/' });
      await other.sync();
      await rejectionOf(view.sync());
      expect([told, view.size]).toEqual([['k/a'], 2]);
    });
  });

  describe('closed', () => {
    it('stays as it is, is stale, and tells nothing any more', async () => {
      const kvi = await fixture.open();
      const view = await kvi.observe('k');
      await kvi.store('k', '1');
      await view.sync();
      const told: unknown[] = [];
      view.onChange((change) => told.push(change));
      await view.close();
      await view.close();
      await kvi.store('k', '2');
      await using other = await kvi.observe('k');
      await other.sync();
      expect([view.get('k'), other.get('k'), told]).toEqual(['1', '2', []]);
      expect(view.isCurrent).toBe(false);
      expect(view.staleSince).toBeInstanceOf(Date);
      expect(await rejectionOf(view.sync())).toBeInstanceOf(ClosedError);
    });

    it('with its handle', async () => {
      const kvi = await fixture.open();
      const view = await kvi.observe('k');
      await kvi.close();
      expect(view.isCurrent).toBe(false);
      expect(await rejectionOf(view.sync())).toBeInstanceOf(ClosedError);
      expect(await rejectionOf(kvi.observe('k'))).toBeInstanceOf(ClosedError);
      expect(fixture.logger.warnings).toEqual([]);
    });

    it('by a listener', async () => {
      const kvi = await fixture.open();
      const view = await kvi.observe('k');
      const closed = gate();
      view.onChange(() => view.close().then(() => closed.open()));
      await kvi.store('k', '1');
      await closed.opened;
      expect(view.get('k')).toBe('1');
    });
  });

  it("ends a sync with the signal's reason", async () => {
    const kvi = await fixture.open();
    await using view = await kvi.observe('k');
    const reason = new Error('enough');
    expect(await rejectionOf(view.sync({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    await expect(view.sync({ signl: 1 } as never)).rejects.toThrow(InvalidArgumentError);
    expect(() => view.onChange(7 as never)).toThrow(/^listener /);
  });
}
