import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LockLostError, LockTimeoutError } from '../../lib/kvi/errors.js';
import { PUT } from '../../lib/kvi/key-change.js';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { Random } from '../support/erratic-store.js';
import { FAILURE, Hearing, SUCCESS } from '../support/hearing.js';
import { aborted, type Fixture, gate, rejectionOf } from './backend.js';

export function telemetryContract(fixture: Fixture): void {
  let heard: Hearing;
  beforeEach(() => {
    heard = new Hearing();
  });
  afterEach(() => heard[Symbol.dispose]());

  describe('of a call', () => {
    it('tells the operation, what it is about and where, and when it has its answer', async () => {
      const kvi = await fixture.open();
      await kvi.store('a', '1');
      await kvi.createIfAbsent('b', '1');
      await kvi.tas('a', '1', '2');
      await kvi.transaction('a', '=', '2', 'then', '1', 'else', '1');
      await kvi.delete('b');
      await kvi.get('a');
      await kvi.getRange('a', 'z');
      await kvi.getPrefix('a');
      for await (const pair of kvi.scan({ prefix: 'a' })) expect(pair.key).toBe('a');
      await kvi.snapshot('a');
      await kvi.tempKey('t');
      await kvi.watchCBCancel(await kvi.watchWithCB('a', PUT, () => undefined));
      await (await kvi.observe({ prefix: '' })).close();
      await kvi.lockInfo('jobs');
      const lives = heard.lives('call');
      expect(lives.map(({ message }) => message)).toEqual(
        [
          { operation: 'store', key: 'a' },
          { operation: 'createIfAbsent', key: 'b' },
          { operation: 'tas', key: 'a' },
          { operation: 'transaction', key: 'a' },
          { operation: 'delete', key: 'b' },
          { operation: 'get', key: 'a' },
          { operation: 'getRange', key: 'a', rangeEnd: 'z\0' },
          { operation: 'getPrefix', key: 'a', rangeEnd: 'b' },
          { operation: 'scan', key: 'a', rangeEnd: 'b' },
          { operation: 'snapshot', key: 'a' },
          { operation: 'tempKey', key: 't' },
          { operation: 'watchWithCB', key: 'a' },
          { operation: 'observe', key: '\0', rangeEnd: '\0' },
          { operation: 'lockInfo', key: 'jobs/', rangeEnd: 'jobs0' },
        ].map((call) => ({ ...fixture.foreign.place, ...call })),
      );
      for (const { parts } of lives) expect(parts).toEqual(SUCCESS);
    });

    it('tells its namespace, and its keys within that', async () => {
      const kvi = await fixture.open({ namespace: 'inner/' });
      await kvi.get('a');
      const { namespace } = fixture.foreign.place;
      expect(heard.lives('call')[0]?.message).toMatchObject({ key: 'a', namespace: `${namespace}inner/` });
    });

    it('of which arguments are refused tells nothing: nothing was asked', async () => {
      const kvi = await fixture.open();
      await rejectionOf(kvi.get(''));
      await rejectionOf(kvi.store('a', 1 as unknown as string));
      await rejectionOf(kvi.getRange('a', ''));
      expect(heard.lives('call')).toEqual([]);
    });

    it('that is fenced by a lock tells as any other', async () => {
      const kvi = await fixture.open();
      await using lock = await kvi.lock('jobs');
      await lock.kv.store('a', '1');
      await lock.kv.transaction('a', '=', '1', 'b', '2');
      expect(heard.lives('call').map(({ message }) => [message.operation, message.key])).toEqual([
        ['store', 'a'],
        ['transaction', 'a'],
      ]);
    });
  });

  describe('of a lock', () => {
    it('tells the wait until its grant, and the hold until its release', async () => {
      const kvi = await fixture.open();
      const lock = await kvi.lock('jobs');
      const { place } = fixture.foreign;
      const { key, fencingToken } = lock;
      expect(heard.lives('lock.wait')).toEqual([
        { message: { ...place, name: 'jobs', fencingToken }, parts: SUCCESS },
      ]);
      const hold = { ...place, name: 'jobs', key, fencingToken };
      expect(heard.lives('lock.hold')).toEqual([{ message: hold, parts: ['start', 'end'] }]);
      await lock.release();
      expect(heard.lives('lock.hold')).toEqual([{ message: hold, parts: SUCCESS }]);
    });

    it('that is not had tells why', async () => {
      const [one, two] = await fixture.openSeveral(2);
      await using lock = await one!.lock('jobs');
      const error = await rejectionOf(two!.lock('jobs', { timeoutSec: 0 }));
      expect(error).toBeInstanceOf(LockTimeoutError);
      lock.assertHeld();
      expect(heard.lives('lock.wait')[1]).toEqual({
        message: { ...fixture.foreign.place, name: 'jobs', error },
        parts: FAILURE,
      });
      expect(heard.lives('lock.hold')).toHaveLength(1);
    });

    it('tells the wait for a turn in this process, too', async () => {
      const kvi = await fixture.open();
      const done = gate();
      const first = kvi.withLock('jobs', {}, () => done.opened);
      const second = kvi.withLock('jobs', {}, async () => undefined);
      await heard.ended('lock.wait');
      expect(heard.lives('lock.wait').map(({ parts }) => parts)).toEqual([SUCCESS, ['start', 'end']]);
      done.open();
      await Promise.all([first, second]);
      expect(heard.lives('lock.wait').map(({ parts }) => parts)).toEqual([SUCCESS, SUCCESS]);
      expect(heard.lives('lock.hold').map(({ parts }) => parts)).toEqual([SUCCESS, SUCCESS]);
    });

    it('of the handle tells one wait and one hold, however often it is taken', async () => {
      const kvi = await fixture.open({ lockName: 'mine' });
      await kvi.distLock();
      await kvi.distTimedLock(0);
      await kvi.distUnlock();
      expect(heard.lives('lock.wait').map(({ message }) => message.name)).toEqual(['mine']);
      expect(heard.lives('lock.hold').map(({ parts }) => parts)).toEqual([SUCCESS]);
    });

    it('that is lost tells the loss, after its signal has aborted', async () => {
      const kvi = await fixture.open();
      const lock = await kvi.lock('jobs');
      const reason = aborted(lock.signal);
      let hadAborted: boolean | undefined;
      const ending = heard.ended('lock.hold').then((life) => {
        hadAborted = lock.signal.aborted;
        return life;
      });
      await fixture.foreign.txn({ success: [{ type: 'delete', key: lock.key }] });
      const { message, parts } = await ending;
      expect(message.error).toBeInstanceOf(LockLostError);
      expect(message.error).toBe(await reason);
      expect(parts).toEqual(FAILURE);
      expect(hadAborted).toBe(true);
      await rejectionOf(lock.release());
      expect(heard.lives('lock.hold')[0]?.parts).toEqual(FAILURE);
    });

    it('of which the key is gone at its release tells a loss', async () => {
      const kvi = await fixture.open();
      const lock = await kvi.lock('jobs');
      const deleting = fixture.foreign.txn({ success: [{ type: 'delete', key: lock.key }] });
      await Promise.all([deleting, rejectionOf(deleting.then(() => lock.release()))]);
      const { message, parts } = await heard.ended('lock.hold');
      expect(message.error).toBeInstanceOf(LockLostError);
      expect(parts).toEqual(FAILURE);
    });

    it('ends without a loss when its handle is closed', async () => {
      const kvi = await fixture.open();
      await kvi.lock('jobs');
      await kvi.close();
      expect(heard.lives('lock.hold').map(({ parts }) => parts)).toEqual([SUCCESS]);
    });
  });

  describe('of a session', () => {
    it('tells its grant and its end', async () => {
      const kvi = await fixture.open({ sessionTtlSec: 30 });
      await kvi.tempKey('t');
      const { lease } = (await fixture.foreign.range({ key: 't' })).kvs[0]!;
      expect(heard.events('session.granted')).toEqual([{ ...fixture.foreign.place, lease, ttlSec: 30 }]);
      expect(heard.events('session.ended')).toEqual([]);
      await kvi.close();
      expect(heard.events('session.ended')).toEqual([{ ...fixture.foreign.place, lease }]);
      expect(heard.events('session.lost')).toEqual([]);
    });

    it('tells its loss once, and the grant of the next', async () => {
      const kvi = await fixture.open();
      const lock = await kvi.lock('jobs');
      const [first] = heard.events('session.granted');
      await fixture.revokeLeaseOf(lock.key);
      await aborted(lock.signal);
      await kvi.lock('jobs');
      expect(heard.events('session.lost')).toEqual([
        { ...fixture.foreign.place, lease: first!.lease, reason: 'the store no longer knows its lease' },
      ]);
      expect(heard.events('session.granted')).toHaveLength(2);
    });
  });

  describe('of a watch', () => {
    it('tells how long changes have waited for their reader', async () => {
      const kvi = await fixture.open();
      const stream = kvi.changes({ prefix: 'k/' });
      // What one of two readers of a range has read is there for the other, too.
      const quick = kvi.changes({ prefix: 'k/' });
      const both = [stream.next(), quick.next()];
      await kvi.store('k/1', '1');
      await Promise.all(both);
      await kvi.store('k/2', '2');
      await quick.next();
      const arrived = performance.now();
      while (performance.now() - arrived < 20);
      await stream.next();
      await Promise.all([stream.return?.(), quick.return?.()]);
      const { endpoint, namespace } = fixture.foreign.place;
      const told = heard.events('watch.lag').filter(({ key }) => key === `${namespace}k/`);
      expect(told).toHaveLength(4);
      for (const { changes } of told) expect(changes).toBe(1);
      expect(told[3]).toMatchObject({ endpoint, rangeEnd: `${namespace}k0` });
      expect(told[3]!.waitedMs).toBeGreaterThanOrEqual(19);
      for (const { waitedMs } of told.slice(0, 3)) expect(waitedMs).toBeLessThan(told[3]!.waitedMs);
    });
  });

  it('never tells a value, whatever is done and however it ends', async () => {
    const MARK = 'a-value-of-which-nobody-is-to-hear';
    const random = new Random(1);
    const value = (): string => `${MARK}-${random.below(1000)}`;
    const key = (): string => `k/${random.below(4)}`;
    const kvi = await fixture.open();
    const other = await fixture.open();
    await using view = await other.observe({ prefix: 'k/' });
    const reading = (async () => {
      for await (const change of other.changes({ prefix: 'k/' }, { prevValue: true })) {
        if (change.key === 'k/end') return;
      }
    })();
    const acts: ((at: Kvi) => Promise<unknown>)[] = [
      (at) => at.store(key(), value()),
      (at) => at.get(key()),
      (at) => at.delete(key()),
      (at) => at.tas(key(), value(), value()),
      (at) => at.createIfAbsent(key(), value()),
      (at) => at.transaction(key(), '<', value(), key(), value(), key(), value()),
      (at) => at.getRange('k/0', 'k/9'),
      (at) => at.snapshot({ prefix: 'k/' }),
      (at) => at.withLock('fuzz', { timeoutSec: 5 }, (lock) => lock.kv.store(key(), value())),
      (at) => at.withLock('fuzz', { timeoutSec: 5 }, (lock) => lock.kv.tas(key(), value(), value())),
    ];
    const thrown: unknown[] = [];
    for (let count = 0; count < 300; count++) {
      const at = random.below(2) === 0 ? kvi : other;
      const act = random
        .pick(acts)(at)
        .catch((error: unknown) => thrown.push(error));
      if (random.below(4) > 0) await act;
    }
    // More than etcd takes.
    await kvi.store(key(), MARK.repeat(60_000)).catch(() => {});
    await kvi.store('k/end', MARK);
    await reading;
    await view.sync();
    expect(heard.all.length).toBeGreaterThan(1000);
    const telling = [...heard.all, ...thrown].filter((message) =>
      inspect(message, { depth: Infinity, maxStringLength: Infinity, showHidden: true }).includes(MARK),
    );
    expect(telling).toEqual([]);
  });
}
