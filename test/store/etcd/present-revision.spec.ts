import { beforeEach, describe, expect, it } from '@jest/globals';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { PermissionDeniedError, UnavailableError } from '../../../lib/store/errors.js';
import { PresentRevision } from '../../../lib/store/etcd/present-revision.js';

describe('PresentRevision', () => {
  let revision: number;
  let failure: Error | undefined;
  let reads: string[];
  let present: PresentRevision;
  beforeEach(() => {
    revision = 5;
    failure = undefined;
    reads = [];
    present = new PresentRevision(async (key) => {
      reads.push(key);
      if (failure !== undefined && key === 'a') throw failure;
      return revision;
    });
  });

  it('is read once for all that ask in one turn of the event loop', async () => {
    const asked = ['a', 'b', 'c'].map((key) => present.ask(key));
    const later = Promise.resolve().then(() => present.ask('d'));
    expect(await Promise.all([...asked, later])).toEqual([5, 5, 5, 5]);
    expect(reads).toEqual(['a']);
  });

  it('is read after it was asked for, never before: writes that the caller has seen count', async () => {
    const first = present.ask('a');
    await eventLoopTurn();
    expect(reads).toEqual(['a']);
    revision = 6;
    expect(await present.ask('b')).toBe(6);
    expect(await first).toBe(5);
    expect(reads).toEqual(['a', 'b']);
  });

  it("is read at the caller's own key where another's was refused", async () => {
    failure = new PermissionDeniedError('not yours');
    const [first, second] = [present.ask('a'), present.ask('b')];
    await expect(first).rejects.toBe(failure);
    expect(await second).toBe(5);
  });

  it('fails for all, at once, where nobody answers', async () => {
    failure = new UnavailableError('down');
    const [first, second] = [present.ask('a'), present.ask('b')];
    await expect(first).rejects.toBe(failure);
    await expect(second).rejects.toBe(failure);
    expect(reads).toEqual(['a']);
    failure = undefined;
    expect(await present.ask('a')).toBe(5);
  });
});
