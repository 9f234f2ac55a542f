import { expire, leaseOf, receive } from './etcd.model.js';
import type { Model, Step } from './explore.js';
import { describe, giveUpSession, handleSteps, hear, inOrder } from './handle.model.js';
import type { Rules } from './rules.js';
import type { Budget, Facts, Message, Scenario, State } from './state.js';

// The protocol of the retryable writes: one handle that does some writes of one key, a network, and what else there
// is that may go wrong. A message is delayed by whatever happens before it arrives, and lost when it never does: the
// handle may stop waiting for it at any time. So there are no steps for either.

/** What the conditions of the operations wait for. */
export const OTHERS_VALUE = 'theirs';

export function exactlyOnce(scenario: Scenario, rules: Rules): Model<State> {
  const { operations, isPatient: _, ...left } = scenario;
  return {
    initial: {
      etcd: { revision: 1, value: 'first', slots: {}, leases: [1] },
      handle: { session: 1, place: 0, mods: {}, operation: 0 },
      underWay: [],
      left,
      facts: { told: [], evaluated: [] },
    },
    *steps(state) {
      for (const { what, state: next } of allSteps(state, scenario, rules))
        yield { what, state: withoutDead(next) };
    },
    violation: ({ facts }) => violationOf(facts, operations.length),
  };
}

function* allSteps(state: State, scenario: Scenario, rules: Rules): Iterable<Step<State>> {
  yield* handleSteps(state, scenario, rules);
  yield* networkSteps(state, scenario, rules);
  yield* adversity(state, rules);
}

/** Copies that nobody waits for and whose slot has moved on do nothing whenever they come: there are fewer states without them. */
function withoutDead(state: State): State {
  const { slots, leases } = state.etcd;
  const isDead = ({ to, request }: Message): boolean =>
    to === 'nobody' &&
    (!leases.includes(leaseOf(request.slot)) ||
      (request.type !== 'create' && request.mod > 0 && slots[request.slot]?.mod !== request.mod));
  return { ...state, underWay: state.underWay.filter((message) => !isDead(message)) };
}

function* networkSteps(state: State, scenario: Scenario, rules: Rules): Iterable<Step<State>> {
  for (const [index, message] of state.underWay.entries()) {
    const rest = { ...state, underWay: state.underWay.toSpliced(index, 1) };
    if (message.answer === undefined) yield* arrivals(rest, message, scenario, rules);
    else {
      const what = `the handle hears of ${describe(message.request)}: ${JSON.stringify(message.answer)}`;
      yield { what, state: hear(rest, message, rules) };
    }
  }
}

/** All that may happen to a request. `state` is without it. */
function* arrivals(state: State, message: Message, scenario: Scenario, rules: Rules): Iterable<Step<State>> {
  const { left } = state;
  const what = describe(message.request);
  const isWrite = message.request.type === 'write';
  const delivered = deliver(state, message, scenario, rules);
  const unheard = deliver(state, { ...message, to: 'nobody' }, scenario, rules);
  yield { what: `etcd receives ${what}`, state: delivered };
  if (left.repeats > 0) {
    const repeated = withMessage(delivered, { to: 'nobody', request: message.request });
    yield {
      what: `etcd receives ${what}, which the network keeps a copy of`,
      state: spend(repeated, 'repeats'),
    };
  }
  if (left.proxyResends > 0) {
    yield {
      what: `etcd receives ${what}, and a proxy that missed the answer sends it again`,
      state: spend(withMessage(unheard, message), 'proxyResends'),
    };
  }
  if (left.refusals > 0 && isWrite) {
    const refused = answer(state, message, { type: 'refused' });
    yield { what: `etcd refuses ${what}`, state: spend(refused, 'refusals') };
  }
  if (left.appliedRefusals > 0 && isWrite) {
    const refused = answer(unheard, message, { type: 'no space' });
    yield { what: `etcd receives ${what} and calls it refused`, state: spend(refused, 'appliedRefusals') };
  }
}

function deliver(state: State, message: Message, { operations }: Scenario, rules: Rules): State {
  const { request } = message;
  const reception = receive(state.etcd, request, operations, rules);
  const after = answer({ ...state, etcd: reception.etcd }, message, reception.answer);
  if (request.type !== 'write' || reception.held === undefined) return after;
  const evaluated = [...state.facts.evaluated, { operation: request.operation, held: reception.held }];
  return { ...after, facts: { ...state.facts, evaluated } };
}

function answer(state: State, message: Message, text: Message['answer']): State {
  if (message.to === 'nobody') return state;
  return withMessage(state, { ...message, answer: text });
}

function withMessage(state: State, message: Message): State {
  return { ...state, underWay: inOrder([...state.underWay, message]) };
}

/** What others do, and what befalls the session. */
function* adversity(state: State, rules: Rules): Iterable<Step<State>> {
  const { etcd, left, handle } = state;
  if (left.othersWrites > 0) {
    const written = { ...etcd, value: OTHERS_VALUE };
    yield {
      what: 'another client writes the key',
      state: spend({ ...state, etcd: written }, 'othersWrites'),
    };
  }
  if (left.leaseExpiries > 0) {
    for (const lease of etcd.leases) {
      const expired = { ...state, etcd: expire(etcd, lease) };
      yield { what: `lease ${lease} expires`, state: spend(expired, 'leaseExpiries') };
    }
  }
  if (left.sessionsGivenUp > 0) {
    const what = `the handle takes session ${handle.session} for lost`;
    yield { what, state: spend(giveUpSession(state, rules), 'sessionsGivenUp') };
  }
  if (left.wipes > 0)
    yield {
      what: 'an operator deletes all slots',
      state: spend({ ...state, etcd: { ...etcd, slots: {} } }, 'wipes'),
    };
}

function spend(state: State, what: keyof Budget): State {
  return { ...state, left: { ...state.left, [what]: state.left[what] - 1 } };
}

function violationOf({ told, evaluated }: Facts, operations: number): string | undefined {
  for (let operation = 0; operation < operations; operation++) {
    const results = evaluated.filter((evaluation) => evaluation.operation === operation);
    const applied = results.filter(({ held }) => held).length;
    const outcome = told[operation];
    if (applied > 1) return `write ${operation} was applied ${applied} times`;
    if (outcome === 'true' && applied === 0) return `write ${operation} was acknowledged and not applied`;
    if (outcome === 'false' && applied > 0) return `write ${operation} was called false and applied`;
    if (outcome === 'false' && results.length === 0) return `write ${operation} was called false unseen`;
    if (outcome === 'not applied' && applied > 0)
      return `write ${operation} was called "not applied" and applied`;
  }
  const late = evaluated.findIndex(
    ({ operation }, index) => operation < (evaluated[index - 1]?.operation ?? 0),
  );
  return late < 0
    ? undefined
    : `write ${evaluated[late]!.operation} came after one that was issued behind it`;
}
