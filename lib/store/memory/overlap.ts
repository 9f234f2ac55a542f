import { InvalidArgumentError } from '../errors.js';
import { spanHolds, TO_LAST_KEY } from '../key-span.js';
import type { KeySpan, Operation, TxnRequest } from '../store.js';

interface Writes {
  readonly puts: ReadonlySet<string>;
  readonly deletes: readonly KeySpan[];
}

/**
 * etcd refuses a branch that puts one key twice, or puts a key that it also deletes, whether it would be done or not.
 * Two cases it overlooks: a nested txn that deletes what another before it put, and a deletion to the last key. They
 * pass here, too.
 */
export function refuseOverlap({ success = [], failure = [] }: TxnRequest): void {
  if (mayOverlap(success)) writesOf(success);
  if (mayOverlap(failure)) writesOf(failure);
}

/** One plain operation, as most transactions have, cannot. */
function mayOverlap(branch: readonly Operation[]): boolean {
  return branch.length > 1 || branch[0]?.type === 'txn';
}

function writesOf(branch: readonly Operation[]): Writes {
  const puts = new Set<string>();
  const deletes: KeySpan[] = branch.filter(
    (operation) => operation.type === 'delete' && operation.rangeEnd !== TO_LAST_KEY,
  ) as KeySpan[];
  const put = (key: string): void => {
    if (puts.has(key) || deletes.some((span) => spanHolds(span, key))) throw overlap();
    puts.add(key);
  };
  for (const { success = [], failure = [] } of branch.filter((operation) => operation.type === 'txn')) {
    const [then, otherwise] = [writesOf(success), writesOf(failure)];
    // Only one of the two is done: what both put is put once.
    new Set([...then.puts, ...otherwise.puts]).forEach(put);
    deletes.push(...then.deletes, ...otherwise.deletes);
  }
  for (const operation of branch) if (operation.type === 'put') put(operation.key);
  return { puts, deletes };
}

function overlap(): InvalidArgumentError {
  return new InvalidArgumentError('A transaction branch may not write one key twice.');
}
