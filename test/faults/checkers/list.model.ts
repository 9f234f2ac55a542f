import { isAnswered, isOf, type OperationOf } from './history.js';
import type { Model, State, Transition } from './linearizability.js';

export type ListOperation = OperationOf<'append' | 'read'>;

/** It has come to more than anybody has read. */
const BEYOND: State = 'more than was read';

/**
 * A list that only grows, of items of which each is appended once.
 *
 * At the time of the longest read it held what was read, so what it held before were the beginnings of that. A state
 * is therefore how many items there are.
 */
export function list(operations: readonly ListOperation[]): Model<ListOperation> {
  const reads = operations.filter(isOf('read')).filter(isAnswered);
  const lists = reads.map(({ outcome }) => outcome.ok);
  const longest = lists.reduce((longer, one) => (one.length > longer.length ? one : longer), []);
  // Of an item that is there twice only the first place can be explained.
  const places = new Map(longest.map((item, place) => [item, place] as const).toReversed());
  return {
    initial: '0',
    transition(operation) {
      if (operation.op === 'read') return toRead(isAnswered(operation) ? operation.outcome.ok : [], longest);
      const place = places.get(operation.input);
      return place === undefined ? toAppendBehind(longest.length) : toAppendAt(place);
    },
  };
}

function toRead(found: readonly string[], longest: readonly string[]): Transition {
  const isBeginning = found.every((item, place) => item === longest[place]);
  const requires = isBeginning ? String(found.length) : `${JSON.stringify(found)}, which nobody else saw`;
  return {
    step: (state) => (state === requires ? state : undefined),
    requires,
    yields: [],
    kind: `read ${requires}`,
  };
}

function toAppendAt(place: number): Transition {
  const [requires, after] = [String(place), String(place + 1)];
  return {
    step: (state) => (state === requires ? after : undefined),
    requires,
    yields: [after],
    kind: `append ${place}`,
  };
}

function toAppendBehind(length: number): Transition {
  return {
    step: (state) => (state === String(length) || state === BEYOND ? BEYOND : undefined),
    requires: undefined,
    yields: [BEYOND],
    kind: 'append behind',
  };
}
