import type { TransactionOperator } from '../../../lib/kvi/kvi.js';
import { isAnswered, type OperationOf } from './history.js';
import { compareBytes } from './key-range.js';
import type { Model, State, Transition } from './linearizability.js';

export type RegisterOperation = OperationOf<'get' | 'store' | 'delete' | 'create' | 'tas' | 'transaction'>;

type Value = string | null;

/** Every operation on a register is one: if this holds, then put that, else put the other. */
interface Conditional {
  readonly condition: Condition;
  /** Undefined: writes nothing. */
  readonly thenValue?: Value;
  readonly elseValue?: Value;
  /** Undefined: nobody was told. */
  readonly held: boolean | undefined;
}

type Condition = 'always' | { readonly operator: TransactionOperator; readonly value: Value };

const MISSING: State = JSON.stringify(null);

/** Stands before a value that no operation has found or is compared with: it is there, or one that is as good. */
const LIKE = '~';

/** A key with a value, or without. States are values as JSON. */
export function register(operations: readonly RegisterOperation[]): Model<RegisterOperation> {
  const conditionals = new Map(operations.map((operation) => [operation, toConditional(operation)]));
  const stateOf = distinguishing([...conditionals.values()]);
  return {
    initial: MISSING,
    transition: (operation) => toTransition(conditionals.get(operation)!, stateOf),
  };
}

function toConditional(operation: RegisterOperation): Conditional {
  if (operation.op === 'get') {
    const found = isAnswered(operation) ? operation.outcome.ok : undefined;
    return found === undefined ? NOTHING : { condition: { operator: '=', value: found }, held: true };
  }
  const held = isAnswered(operation) ? (operation.outcome.ok ?? true) : undefined;
  switch (operation.op) {
    case 'store':
      return { condition: 'always', thenValue: operation.input, held };
    case 'delete':
      return { condition: 'always', thenValue: null, held };
    case 'create':
      return { condition: { operator: '=', value: null }, thenValue: operation.input, held };
    case 'tas': {
      const { test, set } = operation.input;
      return { condition: { operator: '=', value: test }, thenValue: set, held };
    }
    case 'transaction': {
      const { operator, value, ...branches } = operation.input;
      return { condition: { operator, value }, ...branches, held };
    }
  }
}

const NOTHING: Conditional = { condition: 'always', held: undefined };

/** Says which state a value is. Values that make no difference to anybody are one. */
function distinguishing(conditionals: readonly Conditional[]): (value: Value) => State {
  const conditions = conditionals.map(({ condition }) => condition).filter((one) => one !== 'always');
  const compared = new Set(conditions.map(({ value }) => value)).add(null);
  const ordering = conditions.filter(({ operator }) => operator === '<' || operator === '>');
  const bounds = [...new Set(ordering.map(({ value }) => value!))];
  const alike = new Map<string, State>();
  return (value) => {
    if (value === null || compared.has(value)) return JSON.stringify(value);
    const place = bounds.map((bound) => (compareBytes(value, bound) < 0 ? '<' : '>')).join('');
    const state = alike.get(place) ?? LIKE + JSON.stringify(value);
    alike.set(place, state);
    return state;
  };
}

function toTransition(conditional: Conditional, stateOf: (value: Value) => State): Transition {
  const { condition, held } = conditional;
  const then = conditional.thenValue === undefined ? undefined : stateOf(conditional.thenValue);
  const otherwise = conditional.elseValue === undefined ? undefined : stateOf(conditional.elseValue);
  const yields = [...(held === false ? [] : [then]), ...(held === true ? [] : [otherwise])];
  return {
    step(state) {
      const holds = isTrue(condition, state);
      if (held !== undefined && held !== holds) return undefined;
      return (holds ? then : otherwise) ?? state;
    },
    requires: held === true ? onlyState(condition) : undefined,
    yields: yields.filter((state) => state !== undefined),
    kind: JSON.stringify([condition, then ?? '', otherwise ?? '', held ?? '']),
  };
}

function onlyState(condition: Condition): State | undefined {
  return condition !== 'always' && condition.operator === '=' ? JSON.stringify(condition.value) : undefined;
}

function isTrue(condition: Condition, state: State): boolean {
  if (condition === 'always') return true;
  const { operator, value } = condition;
  if (operator === '=') return state === JSON.stringify(value);
  // The condition on a missing key is false, for every operator.
  if (state === MISSING) return false;
  if (operator === '!=') return state !== JSON.stringify(value);
  const found = JSON.parse(state.startsWith(LIKE) ? state.slice(LIKE.length) : state) as string;
  return operator === '<' ? compareBytes(found, value!) < 0 : compareBytes(value!, found) < 0;
}
