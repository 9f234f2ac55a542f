import type { TxnRequest } from './store.js';

/** What a write touches, whichever of its branches is done. */
export interface Footprint {
  /** The keys that it puts or deletes, and those that it compares. One may be named more than once. */
  readonly writes: readonly string[];
  readonly compares: readonly string[];
  /** Whether it needs space: a deletion does not. */
  readonly puts: boolean;
  /** How many bytes its keys and values take at the most. */
  readonly bytes: number;
}

/** How many of the operations that etcd counts it takes in a batch: a conditional one has its keys named there, too. */
export function operationsOf({ writes, compares }: Footprint): number {
  return Math.max(1, writes.length, compares.length);
}

/** In UTF-8, one UTF-16 unit takes no more. */
export const MAX_BYTES_OF_UNIT = 3;

export function footprintOf(request: TxnRequest): Footprint {
  const footprint = { writes: [], compares: [], puts: false, bytes: 0 };
  add(request, footprint, bytesAtMost);
  return footprint;
}

/** How many bytes its keys and values take, as counted one by one. */
export function exactBytesOf(request: TxnRequest): number {
  const footprint = { writes: [], compares: [], puts: false, bytes: 0 };
  add(request, footprint, (text) => Buffer.byteLength(text));
  return footprint.bytes;
}

function add(
  { compare = [], success = [], failure = [] }: TxnRequest,
  footprint: { writes: string[]; compares: string[]; puts: boolean; bytes: number },
  bytesOf: (text: string) => number,
): void {
  for (const condition of compare) {
    footprint.compares.push(condition.key);
    footprint.bytes += bytesOf(condition.key) + (condition.target === 'value' ? bytesOf(condition.value) : 0);
  }
  for (const branch of [success, failure]) {
    for (const operation of branch) {
      if (operation.type === 'txn') {
        add(operation, footprint, bytesOf);
        continue;
      }
      footprint.bytes += bytesOf(operation.key) + (operation.type === 'put' ? bytesOf(operation.value) : 0);
      footprint.puts ||= operation.type === 'put';
      if (operation.type !== 'range') footprint.writes.push(operation.key);
    }
  }
}

function bytesAtMost(text: string): number {
  return text.length * MAX_BYTES_OF_UNIT;
}
