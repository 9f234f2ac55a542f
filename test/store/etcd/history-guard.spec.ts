import { describe, expect, it } from '@jest/globals';
import type { IResponseHeader } from 'etcd3';
import { RevisionOverflowError, type StoreReplacedError } from '../../../lib/store/errors.js';
import { HistoryGuard } from '../../../lib/store/etcd/history-guard.js';

function header(revision: number, cluster = '1'): IResponseHeader {
  return { cluster_id: cluster, member_id: '1', revision: String(revision), raft_term: '2' };
}

function guarded(): { guard: HistoryGuard; told: StoreReplacedError[] } {
  const told: StoreReplacedError[] = [];
  return { guard: new HistoryGuard((error) => told.push(error)), told };
}

describe('HistoryGuard', () => {
  it('says nothing while revisions stay or grow', () => {
    const { guard, told } = guarded();
    for (const revision of [5, 5, 9]) guard.begin()(header(revision));
    expect(told).toEqual([]);
    expect(guard.generation).toBe(0);
  });

  it('tells once that the revision went back, and takes the new history for the present one', () => {
    const { guard, told } = guarded();
    guard.begin()(header(9));
    guard.begin()(header(5));
    guard.begin()(header(6));
    expect(told.map(({ message }) => message)).toEqual([expect.stringContaining('went back from 9 to 5')]);
    expect(guard.generation).toBe(1);
  });

  it('tells that another cluster answers, whatever its revision', () => {
    const { guard, told } = guarded();
    guard.begin()(header(5));
    guard.begin()(header(9, '2'));
    expect(told.map(({ message }) => message)).toEqual([expect.stringContaining('another cluster')]);
  });

  it('compares with what was known when the call was sent: answers may overtake each other', () => {
    const { guard, told } = guarded();
    guard.begin()(header(3));
    const [first, second] = [guard.begin(), guard.begin()];
    second(header(5));
    first(header(4));
    expect(told).toEqual([]);
  });

  it('takes no answer to a call of before for one of the new history', () => {
    const { guard, told } = guarded();
    guard.begin()(header(9));
    const [late, later] = [guard.begin(), guard.begin()];
    guard.begin()(header(5));
    late(header(10));
    later(header(1));
    guard.begin()(header(6));
    expect(told.length).toBe(1);
  });

  it('refuses a revision that cannot be counted, also in an answer to a call of before', () => {
    const { guard, told } = guarded();
    const late = guard.begin();
    guard.begin()(header(5));
    guard.begin()(header(5, '2'));
    expect(() => late(header(2 ** 53))).toThrow(RevisionOverflowError);
    expect(() => guard.begin()(header(2 ** 53, '2'))).toThrow(RevisionOverflowError);
    expect(told.length).toBe(1);
  });

  it('knows of revisions that only a watch has seen', () => {
    const { guard, told } = guarded();
    guard.begin()(header(3));
    guard.saw(9);
    guard.begin()(header(8));
    expect(told.length).toBe(1);
  });
});
