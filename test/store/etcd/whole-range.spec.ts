import { describe, expect, it } from '@jest/globals';
import { CompactedError, UnavailableError } from '../../../lib/store/errors.js';
import { wholeRange } from '../../../lib/store/etcd/whole-range.js';
import type { KeyRecord, RangeRequest, RangeResponse } from '../../../lib/store/store.js';

const COUNT = 3000;
const SPAN = { key: '0', rangeEnd: '9' };

const records = Array.from({ length: COUNT }, (_, number): KeyRecord => {
  const key = String(number).padStart(6, '0');
  return { key, value: key, createRevision: 2, modRevision: 3, version: 1, lease: '' };
});

/** Reads from `records`, and fails the second page of the first `failures` snapshots. */
class Pages {
  snapshots = 0;
  #failures: number;
  readonly #error: Error;

  constructor(failures: number, error: Error = new CompactedError('compacted', 9)) {
    this.#failures = failures;
    this.#error = error;
  }

  readonly read = async (request: RangeRequest): Promise<RangeResponse> => {
    await Promise.resolve();
    if (request.key === SPAN.key) this.snapshots++;
    else if (this.#failures-- > 0) throw this.#error;
    const rest = records.filter(({ key }) => key >= request.key);
    const kvs = rest.slice(0, request.limit);
    return { revision: 100 * this.snapshots, kvs, more: kvs.length < rest.length };
  };
}

describe('wholeRange', () => {
  it('answers all pages as one', async () => {
    const { revision, kvs, more } = await wholeRange(new Pages(0).read, SPAN);
    expect([revision, more]).toEqual([100, false]);
    expect(kvs).toEqual(records);
  });

  it('begins anew, from a new snapshot, when its own is compacted', async () => {
    const pages = new Pages(2);
    const { revision, kvs } = await wholeRange(pages.read, SPAN);
    expect([revision, pages.snapshots]).toEqual([300, 3]);
    expect(kvs).toEqual(records);
  });

  it('begins anew five times and no more', async () => {
    const pages = new Pages(6);
    await expect(wholeRange(pages.read, SPAN)).rejects.toBeInstanceOf(CompactedError);
    expect(pages.snapshots).toBe(6);
  });

  it('does not when a revision was asked for, nor after another error', async () => {
    const past = new Pages(1);
    await expect(wholeRange(past.read, { ...SPAN, revision: 4 })).rejects.toBeInstanceOf(CompactedError);
    const unavailable = new Pages(1, new UnavailableError('away'));
    await expect(wholeRange(unavailable.read, SPAN)).rejects.toBeInstanceOf(UnavailableError);
    expect([past.snapshots, unavailable.snapshots]).toEqual([1, 1]);
  });
});
