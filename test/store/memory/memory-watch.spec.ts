import { describe, expect, it } from '@jest/globals';
import { CompactedError } from '../../../lib/store/errors.js';
import { MemoryDatabase } from '../../../lib/store/memory/database.js';
import { MemoryWatch } from '../../../lib/store/memory/memory-watch.js';
import type { WatchResponse } from '../../../lib/store/store.js';
import { put, remove, write } from './operations.js';

function changesAt(revision: number): WatchResponse {
  const kv = { key: 'a', value: '', createRevision: 2, modRevision: revision, version: 1, lease: '' };
  return { revision, events: [{ type: 'put', kv, previous: undefined }] };
}

/** A watch of its own, without a database. */
function watchFrom(afterRevision: number, currentRevision = 7) {
  const ended: MemoryWatch[] = [];
  const watch = new MemoryWatch(
    { key: 'a' },
    afterRevision,
    'mem:',
    () => currentRevision,
    (self) => ended.push(self),
  );
  return { watch, ended };
}

/** Whether a promise is settled once everything that can happen now has happened. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => (settled = true);
  promise.then(settle, settle);
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe('MemoryWatch', () => {
  it('hands over what was pushed, in order, then waits', async () => {
    const { watch } = watchFrom(1);
    watch.push(changesAt(2));
    watch.push(changesAt(3));
    expect(await watch.next()).toEqual(changesAt(2));
    expect(await watch.next()).toEqual(changesAt(3));
    const waiting = watch.next();
    expect(await isSettled(waiting)).toBe(false);
    watch.push(changesAt(4));
    watch.push(changesAt(5));
    expect(await waiting).toEqual(changesAt(4));
    expect(await watch.next()).toEqual(changesAt(5));
  });

  it('passes over what lies before it begins', async () => {
    const { watch } = watchFrom(3);
    for (const revision of [2, 3, 4]) watch.push(changesAt(revision));
    expect(await watch.next()).toEqual(changesAt(4));
  });

  it('keeps its order over thousands that were not fetched', async () => {
    const { watch } = watchFrom(1);
    for (let revision = 2; revision <= 5_000; revision++) watch.push(changesAt(revision));
    for (let revision = 2; revision <= 5_000; revision++) {
      expect((await watch.next())!.revision).toBe(revision);
      if (revision % 2 === 0) watch.push(changesAt(5_000 + revision / 2));
    }
    expect((await watch.next())!.revision).toBe(5_001);
  });

  describe('requestProgress', () => {
    it('answers a waiting next with the present revision and no events', async () => {
      const { watch } = watchFrom(1, 7);
      const waiting = watch.next();
      watch.requestProgress();
      expect(await waiting).toEqual({ revision: 7, events: [] });
    });

    it('is answered after everything that was pushed before, and once', async () => {
      const { watch } = watchFrom(1, 7);
      watch.push(changesAt(2));
      watch.requestProgress();
      watch.requestProgress();
      watch.push(changesAt(3));
      expect(await watch.next()).toEqual(changesAt(2));
      expect(await watch.next()).toEqual(changesAt(3));
      expect(await watch.next()).toEqual({ revision: 7, events: [] });
      expect(await isSettled(watch.next())).toBe(false);
    });

    it('speaks true for a write right after the answer', async () => {
      const database = new MemoryDatabase();
      const watch = database.watch({ key: 'a', afterRevision: 1 });
      const waiting = watch.next();
      watch.requestProgress();
      write(database, put('a'));
      expect(await waiting).toEqual({ revision: 1, events: [] });
      expect(await watch.next()).toMatchObject({ revision: 2 });
    });

    it('tells how far a watch has come on which nothing happened', async () => {
      const database = new MemoryDatabase();
      const watch = database.watch({ key: 'a', afterRevision: 1 });
      for (let i = 0; i < 5; i++) write(database, put('other'));
      watch.requestProgress();
      expect(await watch.next()).toEqual({ revision: 6, events: [] });
    });
  });

  describe('cancel', () => {
    it('ends a waiting next and every later one', async () => {
      const { watch, ended } = watchFrom(1);
      const waiting = watch.next();
      watch.cancel();
      expect(await waiting).toBeUndefined();
      expect(await watch.next()).toBeUndefined();
      expect([watch.isOver, ended]).toEqual([true, [watch]]);
    });

    it('drops what was not fetched', async () => {
      const { watch } = watchFrom(1);
      watch.push(changesAt(2));
      watch.cancel();
      expect(await watch.next()).toBeUndefined();
    });

    it('does no more the second time', () => {
      const { watch, ended } = watchFrom(1);
      watch.cancel();
      watch.cancel();
      expect(ended).toHaveLength(1);
    });

    it('stops a watch in its database, and only that one', async () => {
      const database = new MemoryDatabase();
      const watches = [1, 2, 3].map(() => database.watch({ key: 'a', afterRevision: 1 }));
      const waiting = watches.map((watch) => watch.next());
      watches[1]!.cancel();
      write(database, put('a'));
      expect(await Promise.all(waiting)).toMatchObject(
        [{ revision: 2 }, undefined, { revision: 2 }].map((x) => x!),
      );
    });
  });

  describe('compact', () => {
    it('fails a watch that has not fetched what is gone', async () => {
      const { watch, ended } = watchFrom(1);
      watch.push(changesAt(3));
      watch.compact(2);
      expect(watch.isOver).toBe(false);
      watch.compact(3);
      expect([watch.isOver, ended]).toEqual([true, [watch]]);
      await expect(watch.next()).rejects.toMatchObject({ name: 'CompactedError', revision: 4 });
    });

    it('leaves a watch alone that has fetched all of it', async () => {
      const { watch } = watchFrom(1);
      watch.push(changesAt(3));
      await watch.next();
      const waiting = watch.next();
      watch.compact(100);
      watch.push(changesAt(101));
      expect(await waiting).toEqual(changesAt(101));
    });

    it('goes by what comes next, not by what was fetched before', async () => {
      const { watch } = watchFrom(1);
      for (const revision of [2, 3, 9]) watch.push(changesAt(revision));
      await watch.next();
      await watch.next();
      watch.compact(8);
      expect(await watch.next()).toEqual(changesAt(9));
    });
  });

  it('rejects a waiting next when it fails, and says so ever after', async () => {
    const { watch } = watchFrom(1);
    const waiting = watch.next();
    const failure = new CompactedError('gone', 5);
    watch.fail(failure);
    watch.cancel();
    await expect(waiting).rejects.toBe(failure);
    await expect(watch.next()).rejects.toBe(failure);
  });

  it('gives a deletion the record before, and the next put none', async () => {
    const database = new MemoryDatabase();
    write(database, put('a', 'old'));
    const watch = database.watch({ key: 'a', afterRevision: 2 });
    write(database, remove('a'));
    write(database, put('a', 'new'));
    expect(await watch.next()).toMatchObject({ events: [{ type: 'delete', previous: { value: 'old' } }] });
    const { events } = (await watch.next())!;
    expect(events).toMatchObject([{ type: 'put', kv: { value: 'new', version: 1 } }]);
    expect(events[0]!.previous).toBeUndefined();
  });
});
