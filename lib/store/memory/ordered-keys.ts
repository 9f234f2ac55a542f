import { EmptyBTree } from 'sorted-btree';
import { compareBytes } from '../byte-order.js';
import { TO_LAST_KEY } from '../key-span.js';
import type { KeySpan } from '../store.js';

/** The package's default export has one shape for `import` and another for `require`; this named one has one. */
const BTree = EmptyBTree.constructor as new (
  entries: undefined,
  compare: (a: string, b: string) => number,
) => typeof EmptyBTree;

/** A set of keys in byte order: k keys among n are walked in O(log n + k). */
export class OrderedKeys {
  readonly #tree = new BTree(undefined, compareBytes);

  add(key: string): void {
    this.#tree.set(key, undefined);
  }

  delete(key: string): void {
    this.#tree.delete(key);
  }

  /** Visits the keys of a span in order until `visit` answers false. */
  walk(span: Required<KeySpan>, visit: (key: string) => boolean): void {
    const toLast = span.rangeEnd === TO_LAST_KEY;
    const end = toLast ? this.#tree.maxKey() : span.rangeEnd;
    if (end === undefined) return;
    this.#tree.forRange(span.key, end, toLast, (key: string) => (visit(key) ? undefined : { break: true }));
  }
}
