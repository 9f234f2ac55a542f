import { describe, expect, it } from '@jest/globals';
import { CompactedError, RequestTimeoutError } from '../../lib/store/errors.js';
import { pagesOf } from '../../lib/store/pages.js';
import type { KeyRecord, RangeRequest, RangeResponse } from '../../lib/store/store.js';

const REVISION = 7;
const MEGABYTE = 1024 * 1024;

/** A range whose values have the lengths that are given, and who asked for what of it. */
class Records {
  readonly asked: RangeRequest[] = [];
  readonly #records: readonly KeyRecord[];

  constructor(lengths: readonly number[]) {
    this.#records = lengths.map((length, number) => ({
      key: String(number).padStart(6, '0'),
      value: 'v'.repeat(length),
      createRevision: 2,
      modRevision: 3,
      version: 1,
      lease: '',
    }));
  }

  get keys(): string[] {
    return this.#records.map(({ key }) => key);
  }

  readonly read = async (request: RangeRequest): Promise<RangeResponse> => {
    this.asked.push(request);
    await Promise.resolve();
    const rest = this.#records.filter(({ key }) => key >= request.key);
    const kvs = rest.slice(0, request.limit);
    // The store goes on meanwhile.
    return { revision: REVISION + this.asked.length - 1, kvs, more: kvs.length < rest.length };
  };

  pages(firstLimit: number, revision?: number): AsyncGenerator<RangeResponse, void> {
    return pagesOf(this.read, { key: '0', rangeEnd: '9', revision }, firstLimit);
  }
}

async function sizesOf(pages: AsyncIterable<RangeResponse>): Promise<number[]> {
  const sizes: number[] = [];
  for await (const { kvs } of pages) sizes.push(kvs.length);
  return sizes;
}

describe('pagesOf', () => {
  it('has every key once, in order, and the revision of the first page in all others', async () => {
    const records = new Records(Array<number>(1000).fill(1));
    const keys: string[] = [];
    for await (const { kvs } of records.pages(10)) keys.push(...kvs.map(({ key }) => key));
    expect(keys).toEqual(records.keys);
    const [first, ...others] = records.asked;
    expect(first!.revision).toBeUndefined();
    expect(others.length).toBeGreaterThan(1);
    expect(others.every(({ revision }) => revision === REVISION)).toBe(true);
  });

  it('reads at the revision that was asked for', async () => {
    const records = new Records([1, 1, 1]);
    await sizesOf(records.pages(1, 5));
    expect(records.asked.map(({ revision }) => revision)).toEqual([5, 5]);
  });

  it('is one empty page where there is nothing', async () => {
    expect(await sizesOf(new Records([]).pages(10))).toEqual([0]);
  });

  it('grow while the values are small, by eight times at most', async () => {
    const records = new Records(Array<number>(2000).fill(10));
    expect(await sizesOf(records.pages(10))).toEqual([10, 80, 640, 1270]);
  });

  it('weigh about a megabyte, whatever the values', async () => {
    expect(await sizesOf(new Records(Array<number>(50).fill(50_000)).pages(16))).toEqual([16, 20, 14]);
  });

  it('shrink at once when the values are large, down to one', async () => {
    const lengths = [...Array<number>(12).fill(10), ...Array<number>(10).fill(5 * MEGABYTE)];
    expect(await sizesOf(new Records(lengths).pages(2))).toEqual([2, 16, 1, 1, 1, 1]);
  });

  it('are asked for while the one before is being used, and one ahead at most', async () => {
    const records = new Records(Array<number>(100).fill(1));
    const pages = records.pages(1);
    await pages.next();
    expect(records.asked.length).toBe(2);
    await new Promise(setImmediate);
    expect(records.asked.length).toBe(2);
    await pages.next();
    expect(records.asked.length).toBe(3);
    await pages.return();
  });

  it('throws to who reads on what the next page failed with, after the page before', async () => {
    const records = new Records([1, 1, 1]);
    const gone = new CompactedError('gone', 9);
    const pages = pagesOf(
      (request) => (request.revision === undefined ? records.read(request) : Promise.reject(gone)),
      { key: '0', rangeEnd: '9' },
      1,
    );
    expect((await pages.next()).value!.kvs.length).toBe(1);
    await expect(pages.next()).rejects.toBe(gone);
  });

  it('leaves no rejection behind for who does not read on', async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown): number => unhandled.push(reason);
    process.on('unhandledRejection', listen);
    const records = new Records([1, 1, 1]);
    const pages = pagesOf(
      (request) => (request.revision === undefined ? records.read(request) : Promise.reject(new Error('no'))),
      { key: '0', rangeEnd: '9' },
      1,
    );
    await pages.next();
    await pages.return();
    await new Promise(setImmediate);
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  });

  it('throws at once what a page failed with: its store has taken the time of a call for it', async () => {
    const records = new Records(Array<number>(100).fill(1));
    const late = new RequestTimeoutError('late');
    const read = async (request: RangeRequest): Promise<RangeResponse> => {
      const page = await records.read(request);
      if (request.revision !== undefined) throw late;
      return page;
    };
    const pages = pagesOf(read, { key: '0', rangeEnd: '9' }, 50);
    await pages.next();
    await expect(pages.next()).rejects.toBe(late);
    expect(records.asked.length).toBe(2);
  });

  it('goes on after a page that has fewer keys than it was asked for', async () => {
    const records = new Records(Array<number>(100).fill(1));
    const few = (request: RangeRequest): Promise<RangeResponse> =>
      records.read({ ...request, limit: Math.min(request.limit!, 16) });
    const keys: string[] = [];
    for await (const { kvs } of pagesOf(few, { key: '0', rangeEnd: '9' }, 50)) {
      keys.push(...kvs.map(({ key }) => key));
    }
    expect(keys).toEqual(records.keys);
  });
});
