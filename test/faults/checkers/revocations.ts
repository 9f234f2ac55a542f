import type { KeyChange } from '../../../lib/kvi/key-change.js';
import { type Interval, isAnswered, isOf, type Operation } from './history.js';

/** How long after a revocation its deletions may be heard of at the latest. */
const HEARD_WITHIN_MS = 2000;

/** A lock's key that was deleted. */
interface Deletion {
  /** Of the hold that the key stood for. */
  readonly token: number;
  /** When it was heard of, as far as is known. */
  readonly heard: Interval;
}

/**
 * An operator who revokes a lease takes its locks from their holders, who cannot be asked before, and so does a leader of
 * before that goes on after a stop: such a hold ends with the beginning of the revocation, whatever its holder knew. What was done under it later is left to fences.
 * What was granted after that beginning and taken, too, was nobody's: where a server lags behind, its grant may be told when
 * the next one has been.
 *
 * @param operations of locks
 * @param changes of everything, in order
 * @param revocations when leases were being revoked
 * @param heard from when another was heard of last until a revision was
 */
export function withRevocations(
  operations: readonly Operation[],
  changes: readonly KeyChange[],
  revocations: readonly Interval[],
  heard: (revision: number) => Interval,
): Operation[] {
  const takenAt = new Map<number, number>();
  for (const { token, heard: told } of deletionsOf(changes, heard)) {
    const revocation = revocations.find(
      ({ from, to }) => from <= told.to && told.from <= to + HEARD_WITHIN_MS,
    );
    if (revocation !== undefined) takenAt.set(token, revocation.from);
  }
  const isDoneAfter = ({ op, input, invokedAt }: Operation): boolean =>
    (op === 'assert' || op === 'release' || op === 'lost') && invokedAt >= (takenAt.get(input) ?? Infinity);
  const isToldAfter = (operation: Operation): boolean =>
    isOf('acquire')(operation) &&
    isAnswered(operation) &&
    operation.returnedAt > (takenAt.get(operation.outcome.ok) ?? Infinity);
  const rest = operations.filter((operation) => !isDoneAfter(operation) && !isToldAfter(operation));
  const taken = rest.flatMap((operation): Operation[] => {
    const { op, id, client, key, outcome } = operation;
    if (op !== 'acquire' || typeof outcome !== 'object') return [];
    const at = takenAt.get(outcome.ok);
    if (at === undefined) return [];
    return [{ id: `revocation of ${id}`, client, op: 'lost', key, input: outcome.ok, invokedAt: at }];
  });
  return [...rest, ...taken];
}

/** A key's first revision is the token of its hold. */
function deletionsOf(changes: readonly KeyChange[], heard: (revision: number) => Interval): Deletion[] {
  const tokens = new Map<string, number>();
  return changes.flatMap(({ key, value, revision }) => {
    if (value !== undefined) {
      if (!tokens.has(key)) tokens.set(key, revision);
      return [];
    }
    const token = tokens.get(key);
    tokens.delete(key);
    return token === undefined ? [] : [{ token, heard: heard(revision) }];
  });
}
