import { type Answer, bumpOf, leaseOf, type Request } from './etcd.model.js';
import type { Step } from './explore.js';
import type { Rules } from './rules.js';
import type { Call, Handle, Message, Outcome, Scenario, State } from './state.js';

/** What an answer says of a write. Gone: there is no slot. Foreign: it holds what neither write nor bump has put. */
type Verdict = 'true' | 'false' | 'not applied' | 'refused' | 'no space' | 'gone' | 'foreign';

/** What the handle may do of its own accord. */
export function* handleSteps(state: State, scenario: Scenario, rules: Rules): Iterable<Step<State>> {
  const { call, background, operation } = state.handle;
  if (call !== undefined) {
    const what = describe(call.request);
    if (call.copies < state.left.copies)
      yield { what: `${what} was not answered in time and is sent again`, state: resend(state, call, rules) };
    if (!scenario.isPatient)
      yield { what: `the deadline comes while ${what} waits`, state: giveUp(state, call, rules) };
  } else if (
    operation < scenario.operations.length &&
    !(background !== undefined && rules.keyWaitsForUndecided)
  ) {
    yield { what: `write ${operation} begins`, state: begin(state, rules) };
  }
}

export function hear(state: State, { to, answer }: Message, rules: Rules): State {
  if (to === 'background')
    return withHandle(learn(state, state.handle.background!.request.slot, answer!), {
      background: undefined,
    });
  const { request, copies } = state.handle.call!;
  const informed = learn(state, request.slot, answer!);
  if (request.type !== 'create') {
    const hasOpenCopy = copies > 1 || request.type === 'bump';
    return conclude(informed, request, verdictOf(request, answer!, rules), hasOpenCopy, rules);
  }
  if (answer!.type === 'lease not found') return begin(inNewSession(informed, request.slot), rules);
  return begin(informed, rules);
}

/** Another session, unless that of the slot has been replaced already. */
export function inNewSession(state: State, slot: string): State {
  const { etcd, handle } = state;
  if (handle.session !== leaseOf(slot)) return state;
  const session = handle.session + 1;
  return withHandle(
    { ...state, etcd: { ...etcd, leases: [...etcd.leases, session] } },
    { session, place: 0 },
  );
}

/** Its deadline has come, whatever etcd thinks of the lease. */
export function giveUpSession(state: State, rules: Rules): State {
  const { handle } = state;
  const next = inNewSession(state, `${handle.session}/`);
  const isWriting = handle.call !== undefined && handle.call.request.type !== 'create';
  return isWriting && !rules.writeStaysInItsSession ? begin(next, rules) : next;
}

export function describe(request: Request): string {
  const { type, slot } = request;
  if (type === 'create') return `the creation of slot ${slot}`;
  if (type === 'bump') return `the bump of slot ${slot} at ${request.mod}`;
  return `write ${request.operation} in slot ${slot} at ${request.mod}`;
}

function begin(state: State, rules: Rules): State {
  const { session, place, mods, operation } = state.handle;
  const slot = `${session}/${place}`;
  const mod = mods[slot] ?? (rules.slotIsCreated ? undefined : 0);
  if (mod === undefined) return send(state, { type: 'create', slot });
  return send(state, { type: 'write', slot, mod, id: `${operation} in ${slot}`, operation });
}

function send(state: State, request: Request): State {
  return transmit(withHandle(state, { call: { request, copies: 1 } }), 'call', request);
}

function resend(state: State, { request, copies }: Call, rules: Rules): State {
  const { place } = state.handle;
  if (request.type === 'write' && !rules.resendIsIdentical && place === 0)
    return begin(withHandle(state, { place: 1 }), rules);
  return transmit(withHandle(state, { call: { request, copies: copies + 1 } }), 'call', request);
}

function giveUp(state: State, { request }: Call, rules: Rules): State {
  if (request.type === 'create') return tell(state, 'not applied');
  if (request.type === 'write')
    return rules.bumpBeforeNotApplied ? bump(state, request) : tell(state, 'not applied');
  const undecided = transmit(tell(state, 'unknown'), 'background', request);
  return withHandle(undecided, {
    background: { request, copies: 1 },
    place: rules.keyWaitsForUndecided ? state.handle.place : 1,
  });
}

function bump(state: State, { slot, mod, id }: Extract<Request, { id: string }>): State {
  return send(state, { type: 'bump', slot, mod, id });
}

function verdictOf(request: Extract<Request, { id: string }>, answer: Answer, rules: Rules): Verdict {
  if (answer.type === 'refused' || answer.type === 'no space') return answer.type;
  if (answer.type === 'lease not found') return 'gone';
  if (answer.type === 'done') {
    if (request.type === 'bump') return 'not applied';
    return answer.held ? 'true' : 'false';
  }
  const { slot, mark } = answer;
  if (slot === undefined) return 'gone';
  if (slot.value === bumpOf(request.id)) return 'not applied';
  if (slot.value === request.id) return isTrue(mark, request.id, rules) ? 'true' : 'false';
  // The condition alone can have come out false.
  if (!rules.falseIsRecorded && slot.mod === request.mod) return 'false';
  return 'foreign';
}

function isTrue(mark: string | undefined, id: string, rules: Rules): boolean {
  if (!rules.outcomeIsMarked) return true;
  return rules.markNamesItsWrite ? mark === id : mark !== undefined;
}

/** @param hasOpenCopy a copy of the write was sent and not answered: it may have been applied, or be so later */
function conclude(
  state: State,
  request: Extract<Request, { id: string }>,
  verdict: Verdict,
  hasOpenCopy: boolean,
  rules: Rules,
): State {
  if (verdict === 'refused')
    return hasOpenCopy && rules.bumpBeforeRefused ? bump(state, request) : tell(state, 'not applied');
  if (verdict === 'no space')
    return rules.bumpBeforeNoSpace ? bump(state, request) : tell(state, 'not applied');
  if (verdict === 'gone') return concludeGone(inNewSession(state, request.slot), hasOpenCopy, rules);
  if (verdict !== 'foreign') return tell(state, verdict);
  if (!hasOpenCopy) return begin(state, rules);
  return tell(state, rules.foreignIsUnknown ? 'unknown' : 'not applied');
}

function concludeGone(state: State, hasOpenCopy: boolean, rules: Rules): State {
  if (!hasOpenCopy || !rules.writeStaysInItsSession) return begin(state, rules);
  return tell(state, rules.absentIsUnknown ? 'unknown' : 'not applied');
}

/** Where the slot stands after this answer. */
function learn(state: State, slot: string, answer: Answer): State {
  const mod =
    answer.type === 'done' ? answer.revision : answer.type === 'slot' ? answer.slot?.mod : undefined;
  if (mod === undefined) return state;
  return withHandle(state, { mods: { ...state.handle.mods, [slot]: mod } });
}

function tell(state: State, outcome: Outcome): State {
  const told = [...state.facts.told, outcome];
  const { operation } = state.handle;
  const done = withHandle(state, { operation: operation + 1, call: undefined });
  return { ...done, underWay: unheard(done.underWay, 'call'), facts: { ...state.facts, told } };
}

/** Whatever was sent before for the same purpose is not waited for any more. */
function transmit(state: State, to: 'call' | 'background', request: Request): State {
  return { ...state, underWay: inOrder([...unheard(state.underWay, to), { to, request }]) };
}

/** Requests go on without a listener; of answers without one there is no need to know. */
function unheard(messages: readonly Message[], to: Message['to']): Message[] {
  return messages.flatMap((message) => {
    if (message.to !== to) return [message];
    return message.answer === undefined ? [{ to: 'nobody', request: message.request }] : [];
  });
}

/** Messages overtake each other: only which there are counts. */
export function inOrder(messages: readonly Message[]): Message[] {
  return messages.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function withHandle(state: State, change: Partial<Handle>): State {
  return { ...state, handle: { ...state.handle, ...change } };
}
