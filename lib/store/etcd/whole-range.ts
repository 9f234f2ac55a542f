import { CompactedError } from '../errors.js';
import { pagesOf } from '../pages.js';
import type { KeyRecord, RangeRequest, RangeResponse } from '../store.js';

/** The answer is kept as a whole: a first page of many small keys spares a round trip, and large ones are wanted, too. */
const FIRST_PAGE = 1000;

/** A snapshot that is compacted before it was read to the end is begun anew, this often at most. */
const RESTARTS = 5;

/** A range of any size as one answer, of one snapshot, read in pages. */
export async function wholeRange(
  readPage: (request: RangeRequest) => Promise<RangeResponse>,
  request: RangeRequest,
): Promise<RangeResponse> {
  for (let restarts = 0; ; restarts++) {
    try {
      return await allPages(readPage, request);
    } catch (error) {
      const isSnapshotGone = error instanceof CompactedError && request.revision === undefined;
      if (!isSnapshotGone || restarts === RESTARTS) throw error;
    }
  }
}

async function allPages(
  readPage: (request: RangeRequest) => Promise<RangeResponse>,
  request: RangeRequest,
): Promise<RangeResponse> {
  let first: RangeResponse | undefined;
  const pages: (readonly KeyRecord[])[] = [];
  for await (const page of pagesOf(readPage, request, FIRST_PAGE)) {
    first ??= page;
    pages.push(page.kvs);
  }
  return { revision: first!.revision, kvs: pages.flat(), more: false };
}
