import { keyAfter } from './key-span.js';
import type { RangeRequest, RangeResponse } from './store.js';

/** What a page is to weigh, in characters: much to one round trip, little in memory. */
const PAGE_WEIGHT = 1024 * 1024;

/** What a record takes beside its texts, roughly, in characters. */
const RECORD_OVERHEAD = 50;

/** How many times as many keys as the one before a page may have: what comes may be larger than what came. */
const GROWTH = 8;

type Read = (request: RangeRequest) => Promise<RangeResponse>;

/**
 * Reads a span page by page, all of one snapshot: the revision of the first page is asked for in all others. A page has
 * as many keys as weigh a certain amount, going by the page before, and is asked for while that one is being used; so
 * two pages are in memory at most. Where small values end and large ones begin, one page is larger.
 *
 * Throws what `read` throws: CompactedError when the snapshot is compacted before it was read to the end.
 *
 * @param firstLimit how many keys the first page may have: nothing is known yet of their size
 */
export async function* pagesOf(
  read: Read,
  request: RangeRequest,
  firstLimit: number,
): AsyncGenerator<RangeResponse, void> {
  let limit = firstLimit;
  let page = await read({ ...request, limit });
  const revision = request.revision ?? page.revision;
  while (page.more) {
    limit = limitAfter(page, limit);
    const next = read({ ...request, key: keyAfter(page.kvs.at(-1)!.key), revision, limit });
    // It is thrown to who reads on; it may be that nobody does.
    next.catch(() => {});
    yield page;
    page = await next;
  }
  yield page;
}

function limitAfter({ kvs }: RangeResponse, limit: number): number {
  const weight = kvs.reduce((sum, { key, value }) => sum + key.length + value.length + RECORD_OVERHEAD, 0);
  const fitting = Math.floor((PAGE_WEIGHT / weight) * kvs.length);
  return Math.max(1, Math.min(fitting, limit * GROWTH));
}
