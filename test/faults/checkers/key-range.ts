import type { KeyRange } from '../../../lib/kvi/kvi.js';

/** Whether a key lies in a range. Not by the library's own order: what is checked must not be its own judge. */
export function isWithin(range: KeyRange, key: string): boolean {
  if (typeof range === 'string') return key === range;
  if ('prefix' in range) return key.startsWith(range.prefix);
  return compareBytes(key, range.start) >= 0 && compareBytes(key, range.end) <= 0;
}

export function compareBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
