import { EmptyBTree } from 'sorted-btree';
import { compareBytes } from '../byte-order.js';
import { TO_LAST_KEY } from '../key-span.js';
import type { KeySpan } from '../store.js';

/** The package's default export has one shape for `import` and another for `require`; this named one has one. */
const BTree = EmptyBTree.constructor as new (
  entries: undefined,
  compare: (a: string, b: string) => number,
) => typeof EmptyBTree;

/** Keys in byte order, each with something that belongs to it: k keys among n are walked in O(log n + k). */
export class OrderedKeys<T> {
  readonly #tree = new BTree(undefined, compareBytes);

  set(key: string, belonging: T): void {
    this.#tree.set(key, belonging);
  }

  delete(key: string): void {
    this.#tree.delete(key);
  }

  /** Visits what belongs to the keys of a span, in their order, until `visit` answers false. */
  walk(span: Required<KeySpan>, visit: (belonging: T) => boolean): void {
    const toLast = span.rangeEnd === TO_LAST_KEY;
    const end = toLast ? this.#tree.maxKey() : span.rangeEnd;
    if (end === undefined) return;
    this.#tree.forRange(span.key, end, toLast, (_key: string, belonging: T) =>
      visit(belonging) ? undefined : { break: true },
    );
  }
}
