import { isAnswered, type OperationOf } from './history.js';
import type { Model, State, Transition } from './linearizability.js';

export type MutexOperation = OperationOf<'acquire' | 'release' | 'assert' | 'lost'>;

const held = (token: number): State => `held with ${token}`;
const free = (token: number): State => `free after ${token}`;

/**
 * A lock of which at most one holder believes that it has it, with tokens that grow. A state is who holds it, or whose
 * hold was the last; tokens are revisions, above 0.
 */
export function mutex(): Model<MutexOperation> {
  return { initial: free(0), transition: toTransition };
}

function toTransition(operation: MutexOperation): Transition {
  switch (operation.op) {
    case 'acquire':
      return isAnswered(operation) ? toAcquire(operation.outcome.ok) : NOTHING;
    case 'release':
      return toRelease(operation.input);
    case 'assert':
      return isAnswered(operation) && operation.outcome.ok ? toAssert(operation.input) : NOTHING;
    case 'lost':
      return toLoss(operation.input);
  }
}

/** Who was not told of a grant does not act as a holder. */
const NOTHING: Transition = { step: (state) => state, requires: undefined, yields: [], kind: 'nothing' };

function toAcquire(token: number): Transition {
  return {
    step(state) {
      const [kind, , last] = state.split(' ');
      return kind === 'free' && Number(last) < token ? held(token) : undefined;
    },
    requires: undefined,
    yields: [held(token)],
    kind: `acquire ${token}`,
  };
}

function toRelease(token: number): Transition {
  return {
    step: (state) => (state === held(token) ? free(token) : undefined),
    requires: held(token),
    yields: [free(token)],
    kind: `release ${token}`,
  };
}

function toAssert(token: number): Transition {
  return {
    step: (state) => (state === held(token) ? state : undefined),
    requires: held(token),
    yields: [],
    kind: `assert ${token}`,
  };
}

/** It may have been given back before. */
function toLoss(token: number): Transition {
  return {
    step: (state) => (state === held(token) ? free(token) : state),
    requires: undefined,
    yields: [free(token)],
    kind: `lost ${token}`,
  };
}
