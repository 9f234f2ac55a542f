import { describe, expect, it } from '@jest/globals';
import { ClosedError } from '../../lib/store/errors.js';
import { DELETE, PUT } from '../../lib/kvi/key-change.js';
import { type Fixture, gate, rejectionOf } from './backend.js';

export function watchContract(fixture: Fixture): void {
  describe('watch', () => {
    it('sees a write that is issued after it on the same handle', async () => {
      const kvi = await fixture.open();
      const p = kvi.watch('k');
      await kvi.store('k', 'v');
      expect(await p).toMatchObject({ key: 'k', op: PUT, value: 'v' });
    });

    it.each(['store', 'createIfAbsent', 'tas', 'transaction', 'delete', 'tempKey'] as const)(
      'sees a %s that is issued after it without awaiting anything',
      async (verb) => {
        const kvi = await fixture.open();
        if (verb !== 'createIfAbsent') await kvi.store('k', 'old');
        const change = kvi.watch('k');
        const write = {
          store: () => kvi.store('k', 'new'),
          createIfAbsent: () => kvi.createIfAbsent('k', 'new'),
          tas: () => kvi.tas('k', 'old', 'new'),
          transaction: () => kvi.transaction('k', '=', 'old', 'k', 'new'),
          delete: () => kvi.delete('k'),
          tempKey: () => kvi.tempKey('k'),
        }[verb]();
        const { op } = await change;
        expect(op).toBe(verb === 'delete' ? DELETE : PUT);
        await write;
      },
    );

    it('sees a key that is yet to come, one that changes, and a deletion', async () => {
      const [kvi, other] = await fixture.openSeveral(2);
      const created = kvi!.watch('k');
      await kvi!.store('barrier', '');
      await other!.store('k', '1');
      expect(await created).toMatchObject({ op: PUT, value: '1' });
      const changed = kvi!.watch('k');
      await kvi!.store('barrier', '');
      await other!.store('k', '1');
      expect(await changed).toMatchObject({ op: PUT, value: '1' });
      const deleted = kvi!.watch('k');
      await kvi!.store('barrier', '');
      await other!.delete('k');
      expect(await deleted).toMatchObject({ op: DELETE, value: undefined });
    });

    it('does not see what was written before it, nor other keys', async () => {
      const kvi = await fixture.open();
      await kvi.store('k', 'before');
      const change = kvi.watch('k');
      await kvi.store('kk', 'other');
      await kvi.store('k', 'after');
      expect(await change).toMatchObject({ value: 'after' });
    });

    it("rejects with the signal's reason, before and during the wait", async () => {
      const kvi = await fixture.open();
      const reason = new Error('enough');
      await expect(kvi.watch('k', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      const controller = new AbortController();
      const change = kvi.watch('k', { signal: controller.signal });
      await kvi.store('other', 'x');
      controller.abort(reason);
      await expect(change).rejects.toBe(reason);
    });

    it('rejects when its handle closes', async () => {
      const kvi = await fixture.open();
      const change = kvi.watch('k');
      const rejection = rejectionOf(change);
      await kvi.close();
      expect(await rejection).toBeInstanceOf(ClosedError);
    });
  });

  describe('watchWithCB', () => {
    it('calls with key, value, op and userdata for the kind that was asked for', async () => {
      const kvi = await fixture.open();
      const userdata = { some: 'data' };
      const [puts, deletes]: [unknown[], unknown[]] = [[], []];
      const handles = [
        await kvi.watchWithCB('k', PUT, (...args) => void puts.push(args), userdata),
        await kvi.watchWithCB('k', DELETE, (...args) => void deletes.push(args), userdata),
      ];
      await kvi.store('k', '1');
      await kvi.store('k', '1');
      await kvi.delete('k');
      await kvi.store('k', 'unseen');
      expect(await Promise.all(handles.map(({ closed }) => closed))).toEqual(['deleted', 'deleted']);
      expect(puts).toEqual([
        ['k', '1', PUT, userdata],
        ['k', '1', PUT, userdata],
      ]);
      expect(deletes).toEqual([['k', '', DELETE, userdata]]);
    });

    it('ends when the callback answers false, or a promise of it', async () => {
      const kvi = await fixture.open();
      const calls: string[] = [];
      const sync = await kvi.watchWithCB('k', PUT, () => calls.push('sync') < 0);
      const async = await kvi.watchWithCB('k', PUT, async () => calls.push('async') < 0);
      await kvi.store('k', '1');
      await kvi.store('k', '2');
      expect(await sync.closed).toBe('callback');
      expect(await async.closed).toBe('callback');
      expect(calls.toSorted()).toEqual(['async', 'sync']);
    });

    it('goes on for every other answer', async () => {
      const kvi = await fixture.open();
      const answers = [undefined, null, 0, '', true];
      const done = gate();
      const handle = await kvi.watchWithCB('k', PUT, (_key, value) => {
        if (value === '5') done.open();
        return answers[Number(value)];
      });
      for (let i = 0; i <= 5; i++) await kvi.store('k', String(i));
      await done.opened;
      await kvi.watchCBCancel(handle);
      expect(await handle.closed).toBe('cancelled');
    });

    it('logs a callback that throws, by its name, and goes on', async () => {
      const kvi = await fixture.open();
      const values: string[] = [];
      const handle = await kvi.watchWithCB('k', PUT, async function limitsChanged(_key, value) {
        values.push(value);
        if (value === 'bad') throw new RangeError(`cannot use ${value}`);
        return value !== 'last';
      });
      for (const value of ['bad', 'good', 'last']) await kvi.store('k', value);
      expect(await handle.closed).toBe('callback');
      expect(values).toEqual(['bad', 'good', 'last']);
      expect(fixture.logger.at('error')).toEqual([expect.stringMatching(/limitsChanged.*'k'.*RangeError/s)]);
      expect(fixture.logger.at('error')[0]).not.toContain('cannot use bad');
    });

    it('runs the callbacks of one watch one at a time, in order', async () => {
      const kvi = await fixture.open();
      const log: string[] = [];
      const handle = await kvi.watchWithCB('k', PUT, async (_key, value) => {
        log.push(`${value} begins`);
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        log.push(`${value} ends`);
        return value !== '3';
      });
      for (const value of ['1', '2', '3']) await kvi.store('k', value);
      await handle.closed;
      expect(log).toEqual(['1 begins', '1 ends', '2 begins', '2 ends', '3 begins', '3 ends']);
    });

    it('sees 10,000 puts as 10,000 calls in order, equal values included, and none after cancel', async () => {
      const kvi = await fixture.open();
      const values: string[] = [];
      const all = gate();
      const handle = await kvi.watchWithCB('k', PUT, (_key, value) => {
        if (values.push(value) === 10_000) all.open();
      });
      const puts = Array.from({ length: 10_000 }, (_, i) => String(Math.floor(i / 2)));
      for (const value of puts) await kvi.store('k', value);
      await all.opened;
      expect(values).toEqual(puts);
      await kvi.watchCBCancel(handle);
      await kvi.store('k', 'after');
      await kvi.watch('k', { signal: AbortSignal.timeout(20) }).catch(() => {});
      expect(values).toHaveLength(10_000);
    }, 120_000);

    it('lets nothing run once cancel resolves, and cancels again without complaint', async () => {
      const kvi = await fixture.open();
      const [entered, leave] = [gate(), gate()];
      let running = 0;
      const handle = await kvi.watchWithCB('k', PUT, async () => {
        running++;
        entered.open();
        await leave.opened;
        running--;
      });
      await kvi.store('k', '1');
      await kvi.store('k', '2');
      await entered.opened;
      const cancelled = kvi.watchCBCancel(handle);
      leave.open();
      await cancelled;
      expect(running).toBe(0);
      await kvi.watchCBCancel(handle);
      expect(await handle.closed).toBe('cancelled');
    });

    it('can be cancelled from its own callback', async () => {
      const kvi = await fixture.open();
      let calls = 0;
      const handle = await kvi.watchWithCB('k', PUT, async () => {
        calls++;
        await kvi.watchCBCancel(handle);
      });
      await kvi.store('k', '1');
      await kvi.store('k', '2');
      expect(await handle.closed).toBe('cancelled');
      expect(calls).toBe(1);
    });

    it('tells that its handle was closed', async () => {
      const kvi = await fixture.open();
      const handle = await kvi.watchWithCB('k', PUT, () => {});
      await kvi.close();
      expect(await handle.closed).toBe('closed');
    });
  });
}
