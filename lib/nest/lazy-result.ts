import { Stream } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import { isObservable } from 'rxjs';

/** Says what a result is when its work is not done with it, undefined for a finished one. */
export function lazyKindOf(result: unknown): string | undefined {
  if (typeof result !== 'object' || result === null) return undefined;
  if (isObservable(result)) return 'an Observable';
  if (result instanceof Stream || result instanceof StreamableFile) return 'a stream';
  if (Symbol.asyncIterator in result) return 'an async iterable';
  // Arrays and maps are iterable too, but complete; an iterator is what hands over one at a time.
  if (Symbol.iterator in result && 'next' in result) return 'an iterator';
  return undefined;
}
