import { compareBytes } from './byte-order.js';
import type { KeySpan } from './store.js';

/** As a `rangeEnd`: to the last key (etcd's convention). */
export const TO_LAST_KEY = '\0';

/** The smallest key there is. */
export const FIRST_KEY = '\0';

export function spanHolds(span: KeySpan, key: string): boolean {
  if (span.rangeEnd === undefined) return key === span.key;
  if (compareBytes(key, span.key) < 0) return false;
  return span.rangeEnd === TO_LAST_KEY || compareBytes(key, span.rangeEnd) < 0;
}

/** The key that comes directly after `key` in byte order. */
export function keyAfter(key: string): string {
  return `${key}\0`;
}

/** All keys that begin with `prefix`; with `''`, all keys. */
export function prefixSpan(prefix: string): Required<KeySpan> {
  return { key: prefix === '' ? FIRST_KEY : prefix, rangeEnd: prefixEnd(prefix) };
}

const LAST_CODE_POINT = 0x10ffff;
const LAST_OF_ONE_UNIT = 0xffff;

/** The first key after all that begin with `prefix`: its last code point that can grow, grown by one. */
export function prefixEnd(prefix: string): string {
  let end = prefix.length;
  while (prefix.codePointAt(end - 2) === LAST_CODE_POINT) end -= 2;
  if (end === 0) return TO_LAST_KEY;
  const endsInPair = (prefix.codePointAt(end - 2) ?? 0) > LAST_OF_ONE_UNIT;
  const start = end - (endsInPair ? 2 : 1);
  const last = prefix.codePointAt(start)!;
  // The surrogates' numbers are no characters: U+E000 comes after U+D7FF.
  const next = last === 0xd7ff ? 0xe000 : last + 1;
  return prefix.slice(0, start) + String.fromCodePoint(next);
}
