import { keyAfter, prefixSpan } from '../store/key-span.js';
import type { KeyRecord, KeySpan, LeaseId } from '../store/store.js';
import type { KeyRange } from './kvi.js';

/** What the library keeps for itself. No user key may lie here, and no range, change or view shows it. */
export const RESERVED_PREFIX = '\0hmetcd/';

export function isReserved(key: string): boolean {
  return key.startsWith(RESERVED_PREFIX);
}

/** The store's span for a user's range, both ends of `{ start, end }` included. */
export function spanOf(range: KeyRange): KeySpan {
  if (typeof range === 'string') return { key: range };
  if ('prefix' in range) return prefixSpan(range.prefix);
  return { key: range.start, rangeEnd: keyAfter(range.end) };
}

export function describeRange(range: KeyRange): string {
  if (typeof range === 'string') return `'${range}'`;
  return 'prefix' in range ? `'${range.prefix}…'` : `'${range.start}' to '${range.end}'`;
}

/** A key that is there exactly as long as its lease is: nobody but the store deletes it. */
export function sentinelKey(lease: LeaseId): string {
  return `${RESERVED_PREFIX}${lease}/alive`;
}

/** Tells that the n-th acquisition under a lease is over, whatever may still be on its way. */
export function tombstoneKey(lease: LeaseId, acquisition: number): string {
  return `${RESERVED_PREFIX}${lease}/dead/${acquisition}`;
}

/** Where the queue of a lock stands. Go's `concurrency.Mutex` puts the slash there, too. */
export function lockPrefix(name: string): string {
  return `${name}/`;
}

/**
 * Whether a key below the lock's prefix is a place in its queue: leased, and named by a lease id, as Go names it, or by
 * a lease id and a number, as we do. Data keys and locks further down are not.
 */
export function isQueueKey(name: string, { key, lease }: KeyRecord): boolean {
  return lease !== '' && /^[0-9a-f]+(-[0-9]+)?$/.test(key.slice(lockPrefix(name).length));
}
