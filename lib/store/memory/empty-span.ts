import { compareBytes } from '../byte-order.js';
import { InvalidArgumentError } from '../errors.js';
import { TO_LAST_KEY } from '../key-span.js';
import type { KeySpan } from '../store.js';

/** A watch of it would wait for ever; etcd refuses to begin it. */
export function refuseEmptySpan({ key, rangeEnd }: KeySpan): void {
  if (rangeEnd === undefined || rangeEnd === TO_LAST_KEY || compareBytes(key, rangeEnd) < 0) return;
  throw new InvalidArgumentError('Watching was refused: no key lies in the range.');
}
