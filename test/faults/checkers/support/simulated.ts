import type { Random } from '../../../support/erratic-store.js';
import type { Invocation, Operation, Outcome } from '../history.js';

/** Does to a state what an operation asks for, and answers; the sequential machine in its plainest form. */
export interface Machine<S> {
  readonly initial: S;
  apply(state: S, operation: Invocation): { readonly state: S; readonly ok: unknown };
}

export const registerMachine: Machine<string | null> = {
  initial: null,
  apply(state, operation) {
    const { op, input } = operation as Operation;
    const writeIf = (holds: boolean, value: string, otherwise = state) => ({
      state: holds ? value : otherwise,
      ok: holds,
    });
    switch (op) {
      case 'get':
        return { state, ok: state };
      case 'store':
        return { state: input, ok: null };
      case 'delete':
        return { state: null, ok: null };
      case 'create':
        return writeIf(state === null, input);
      case 'tas':
        return writeIf(state === input.test, input.set);
      case 'transaction':
        return writeIf(state !== null && compare(state, input), input.thenValue, input.elseValue);
      default:
        throw new Error(`a register knows no ${op}`);
    }
  },
};

function compare(state: string, { operator, value }: { operator: string; value: string }): boolean {
  switch (operator) {
    case '=':
      return state === value;
    case '!=':
      return state !== value;
    case '<':
      return state < value;
    default:
      return state > value;
  }
}

export const listMachine: Machine<readonly string[]> = {
  initial: [],
  apply(state, { op, input }) {
    return op === 'read' ? { state, ok: state } : { state: [...state, input as string], ok: null };
  },
};

export interface Load {
  readonly operations: number;
  /** How many are open at a time. */
  readonly lanes: number;
  /** What share ends as unknown, from 0 to 1; half of these take effect, some of them much later. */
  readonly ambiguous: number;
  /** What the next operation asks for. */
  readonly next: (random: Random, number: number) => Pick<Operation, 'op' | 'input'>;
}

/** A history of one key that is linearizable, because each effect has its moment. */
export function simulate<S>(machine: Machine<S>, load: Load, random: Random, key = 'k'): Operation[] {
  const begun = Array.from({ length: load.operations }, (_, number) => begin(load, random, number, key));
  let state = machine.initial;
  const answers = new Map<Begun, unknown>();
  for (const one of begun.filter(({ hasEffect }) => hasEffect).sort((a, b) => a.effectAt - b.effectAt)) {
    const applied = machine.apply(state, one.invocation);
    state = applied.state;
    answers.set(one, applied.ok);
  }
  return begun.map((one) => {
    const outcome: Outcome = one.isAmbiguous ? 'unknown' : { ok: answers.get(one) };
    return { ...one.invocation, returnedAt: one.returnedAt, outcome } as Operation;
  });
}

interface Begun {
  readonly invocation: Invocation;
  readonly effectAt: number;
  readonly returnedAt: number;
  readonly hasEffect: boolean;
  readonly isAmbiguous: boolean;
}

/** A lane is busy for ten units of time, more or less, and so on average all of them overlap. */
function begin({ lanes, ambiguous, next }: Load, random: Random, number: number, key: string): Begun {
  const invokedAt = Math.floor(number / lanes) * 10 + random.next() * 5;
  const returnedAt = invokedAt + 0.1 + random.next() * 15;
  const isAmbiguous = random.next() < ambiguous;
  const latest = isAmbiguous && random.below(2) === 0 ? returnedAt + random.next() * 200 : returnedAt;
  return {
    invocation: {
      id: String(number),
      client: `p.${number % lanes}`,
      key,
      ...next(random, number),
      invokedAt,
    },
    effectAt: invokedAt + random.next() * (latest - invokedAt),
    returnedAt,
    hasEffect: !isAmbiguous || random.below(2) === 0,
    isAmbiguous,
  };
}

/** Every order there may be, tried one by one: what the checker is held against. */
export function isLinearizable<S>(history: readonly Operation[], machine: Machine<S>): boolean {
  return isContinued(
    machine.initial,
    history.filter(({ outcome }) => outcome !== 'not applied'),
    machine,
  );
}

function isContinued<S>(state: S, left: readonly Operation[], machine: Machine<S>): boolean {
  if (!left.some(hasAnswer)) return true;
  const horizon = Math.min(...left.filter(hasAnswer).map(({ returnedAt }) => returnedAt!));
  return left.some((one) => {
    if (one.invokedAt > horizon) return false;
    const applied = machine.apply(state, one);
    const fits = !hasAnswer(one) || JSON.stringify(one.outcome) === JSON.stringify({ ok: applied.ok });
    return (
      fits &&
      isContinued(
        applied.state,
        left.filter((other) => other !== one),
        machine,
      )
    );
  });
}

function hasAnswer({ outcome }: Operation): boolean {
  return typeof outcome === 'object';
}
