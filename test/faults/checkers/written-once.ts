import { groupBy } from '../support/group-by.js';
import { inWords, isAnswered, type Operation } from './history.js';
import type { Replay } from './replay.js';

/** One way in which an operation could have written a value, and how often it must and may have done so. */
interface Write {
  readonly operation: Operation;
  readonly value: string;
  readonly atLeast: number;
  readonly atMost: number;
}

/**
 * Each write is in the store's history once if it was acknowledged, not at all if it was said not to be applied, and
 * otherwise at most once; and nothing is in it that nobody wrote. Only of values that are written by one operation.
 *
 * @param operations all that wrote to the keys of `replay`
 */
export function writtenOnceViolations(operations: readonly Operation[], replay: Replay): string[] {
  const writes = operations.flatMap(writesOf);
  const byValue = groupBy(writes, ({ operation, value }) => nameOf(operation.key, value));
  const wrong = [...byValue.values()]
    .filter(({ length }) => length === 1)
    .flat()
    .filter((write) => !isAsOftenAsTold(write, replay))
    .map(
      ({ operation, value }) =>
        `${inWords(operation)} has written ${JSON.stringify(value)} ${replay.putsOf(operation.key, value).length} times`,
    );
  const nobodys = replay.changes
    .filter(({ key, value }) => value !== undefined && !byValue.has(nameOf(key, value)))
    .map(({ key, value, revision }) => `nobody wrote ${key} = ${JSON.stringify(value)} at ${revision}`);
  return [...wrong, ...nobodys];
}

function isAsOftenAsTold({ operation, value, atLeast, atMost }: Write, replay: Replay): boolean {
  const { length } = replay.putsOf(operation.key, value);
  return atLeast <= length && length <= atMost;
}

function writesOf(operation: Operation): Write[] {
  switch (operation.op) {
    case 'store':
      return [writing(operation, operation.input, true)];
    case 'create':
      return [writing(operation, operation.input, isAnswered(operation) ? operation.outcome.ok : true)];
    case 'tas':
      return [writing(operation, operation.input.set, isAnswered(operation) ? operation.outcome.ok : true)];
    case 'transaction': {
      const { thenValue, elseValue } = operation.input;
      const held = isAnswered(operation) ? operation.outcome.ok : undefined;
      const then = writing(operation, thenValue, held ?? true);
      return elseValue === undefined ? [then] : [then, writing(operation, elseValue, !held)];
    }
    default:
      return [];
  }
}

/** @param isMeant whether the operation has written this value, if it has written at all */
function writing(operation: Operation, value: string, isMeant: boolean): Write {
  const isPossible = isMeant && operation.outcome !== 'not applied';
  return {
    operation,
    value,
    atLeast: isPossible && isAnswered(operation) ? 1 : 0,
    atMost: isPossible ? 1 : 0,
  };
}

function nameOf(key: string, value: string): string {
  return JSON.stringify([key, value]);
}
