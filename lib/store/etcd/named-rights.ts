import type { Compare, Operation, TxnRequest } from '../store.js';
import { footprintOf } from '../footprint.js';

/**
 * Names the keys of nested txns where etcd looks: it checks the rights to what stands in a txn itself, in both of its
 * branches, and overlooks what stands in a txn within it [seen on 3.5.16]. What is named here does nothing: each key has
 * a create revision above -1, and from a key up to itself there is nothing to delete.
 */
export function namedRights(nested: readonly TxnRequest[]): {
  readonly compare: readonly Compare[];
  readonly operations: readonly Operation[];
} {
  const footprints = nested.map(footprintOf);
  const compared = new Set(footprints.flatMap(({ compares }) => compares));
  const written = new Set(footprints.flatMap(({ writes }) => writes));
  return {
    compare: [...compared].map((key) => ({ target: 'create', key, operator: '>', revision: -1 })),
    operations: [...written].map((key) => ({ type: 'delete', key, rangeEnd: key })),
  };
}
