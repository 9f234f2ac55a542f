import { groupBy } from '../support/group-by.js';
import { inWords, isAmbiguous, isAnswered, type Operation } from './history.js';

/** A sequential machine's state as text: the same text is the same state. */
export type State = string;

/** One operation, as the machine sees it. */
export interface Transition {
  /** The state after it; undefined where it cannot have had the outcome that it had. */
  step(state: State): State | undefined;
  /** The only state that its outcome fits, if there is only one. */
  readonly requires: State | undefined;
  /** What it may put in the place of another state. Empty: it changes nothing, whatever the state. */
  readonly yields: readonly State[];
  /** The same for two operations that do the same in every state. */
  readonly kind: string;
}

/** What one key does when it is asked one thing after the other. */
export interface Model<One extends Operation> {
  readonly initial: State;
  transition(operation: One): Transition;
}

export interface Findings {
  /** In words. Empty when all is well, and nothing is undecided. */
  readonly violations: readonly string[];
  /** Keys whose operations can neither be put in order nor shown to have none within the budget. */
  readonly undecided: readonly string[];
}

/** Above it the configurations of one key would not fit into a process of usual size. */
const MOST_CONFIGURATIONS = 2_000_000;

/** How many operations before a violation are told. */
const TOLD_BEFORE = 10;

/**
 * Whether the operations of each key can be put in an order in which a sequential machine would have given the same
 * answers, each between its invocation and its return (Herlihy and Wing).
 *
 * What was not applied is no part of the order: whoever has seen something of it is a violation.
 *
 * @param model is made for the operations of each key
 * @param budgetMs for each key
 */
export function checkLinearizability<One extends Operation>(
  history: readonly One[],
  model: (operations: readonly One[]) => Model<One>,
  budgetMs: number,
): Findings {
  const violations: string[] = [];
  const undecided: string[] = [];
  for (const [key, operations] of groupBy(history, (one) => one.key)) {
    const verdict = new Search(operations, model(operations)).run(budgetMs);
    if (verdict === 'undecided') undecided.push(key);
    else if (verdict !== 'linearizable') violations.push(`${key}: ${verdict.violation}`);
  }
  return { violations, undecided };
}

type Verdict = 'linearizable' | 'undecided' | { readonly violation: string };

/** An operation with its place in the order of invocation. */
interface Step {
  readonly operation: Operation;
  readonly transition: Transition;
  readonly index: number;
  readonly isOptional: boolean;
  readonly invokedAt: number;
  /** Infinity for an optional one. */
  readonly returnedAt: number;
}

/** Optional steps that were taken. Equal sets are one object. */
interface Taken {
  readonly id: number;
  readonly steps: ReadonlySet<Step>;
  readonly larger: Map<Step, Taken>;
}

/** A point on the way, and how it was reached. */
interface Point {
  readonly before: Point | undefined;
  readonly step: Step | undefined;
  readonly state: State;
  readonly taken: Taken;
  /** How many steps that must be taken have been taken. */
  readonly length: number;
}

/** A point, what can come next, and what of that has not been tried. */
interface Visit {
  readonly point: Point;
  readonly open: readonly Step[];
  readonly choices: Iterator<Step>;
}

/**
 * Wing and Gong's search for an order, which goes no further from a configuration that it has seen before (Lowe). A
 * configuration is the set of the steps that were taken, and the state.
 *
 * An ambiguous operation is a step without a return that may be left out. Each would double what there is to search.
 * So of all orders that are as good as each other only one is tried. The rules, and why they lose nothing: if there is any
 * order, take one that has, in this sequence, the fewest optional steps, the fewest required ones behind them, the optional
 * steps with the lowest indexes, and these in order of index as far as possible. It is found, because
 *
 * 1. an optional step that changes nothing in its state, or whose next step would come to the same without it, is left out:
 *    the order without it has fewer (`isNeedless`).
 * 2. An optional step that could as well come behind its next step does: nothing forbids it, for it has no return. Of two
 *    optional steps that may change places the one with the lower index comes first (`isNeedless`).
 * 3. Of open steps of one kind only the one with the first return is tried, of those without a return the one with the lowest
 *    index: in an order with another first the two can change places. The other is open now, so it may come as late as it
 *    likes up to its return, which is not before that of the first (`firstOfKind`).
 * 4. A required step that changes nothing in any state is taken as soon as it is open and fits. Where it was later it is
 *    not missed, and no optional step comes nearer to the front (`freeStep`).
 * 5. The search gives up where a step that must be taken can be seen not to fit any more (`isLost`, `isTooEarly`, `isStuck`).
 *
 * So the optional steps that are tried are those without which the next step does not fit.
 */
class Search {
  readonly #required: readonly Step[];
  readonly #optional: readonly Step[];
  readonly #initial: State;
  /** The required steps that were not taken, as a list: for each index the next and the previous one. */
  readonly #next: number[];
  readonly #previous: number[];
  /** For each state, how many required steps that were not taken fit no other. */
  readonly #needed = new Map<State, number>();
  /** For each state, how many steps that were not taken could bring it about. */
  readonly #sources = new Map<State, number>();
  /** For each state, the required steps that fit no other, in order of invocation. */
  readonly #users: ReadonlyMap<State, readonly Step[]>;
  readonly #isTaken: boolean[] = [];
  #furthest: Omit<Visit, 'choices'> | undefined;
  readonly #sets = new Map<string, Taken>();
  readonly #seen = new Set<string>();

  constructor(operations: readonly Operation[], model: Model<never>) {
    const steps = operations
      .map((operation) => ({ operation, transition: model.transition(operation as never) }))
      .sort((a, b) => a.operation.invokedAt - b.operation.invokedAt);
    this.#required = steps.filter(({ operation }) => isAnswered(operation)).map(toRequired);
    // What would only have been read tells nothing.
    this.#optional = steps
      .filter(({ operation, transition }) => isAmbiguous(operation) && transition.yields.length > 0)
      .map(toOptional);
    this.#users = groupBy(
      this.#required.filter(({ transition }) => transition.requires !== undefined),
      ({ transition }) => transition.requires!,
    );
    this.#initial = model.initial;
    // The end of the list is behind the last index, and in front of the first.
    const end = this.#required.length;
    this.#next = Array.from({ length: end + 1 }, (_, index) => (index === end ? 0 : index + 1));
    this.#previous = Array.from({ length: end + 1 }, (_, index) => (index === 0 ? end : index - 1));
    for (const step of [...this.#required, ...this.#optional]) this.#count(step, 1);
  }

  run(budgetMs: number): Verdict {
    const violation = this.#contradiction();
    return violation === undefined ? this.#search(performance.now() + budgetMs) : { violation };
  }

  /**
   * What a few operations show by themselves, in which nobody wants to search for it: a state that nothing leads to, or that
   * one step alone leads to, so that it lasts without a break from there to the last step that needs it.
   */
  #contradiction(): string | undefined {
    const steps = [...this.#required, ...this.#optional];
    const sources = groupBy(
      steps.flatMap((step) => step.transition.yields.map((state) => ({ state, step }))),
      ({ state }) => state,
    );
    for (const [state, users] of this.#users) {
      if (state === this.#initial) continue;
      const [source, another] = sources.get(state) ?? [];
      if (source === undefined) return story(`Nothing leads to ${state}:`, users[0]!);
      const found = another ? undefined : this.#brokenPeriod(state, source.step, users);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** A state that only `source` leads to must last until nobody needs it, and only the last can have ended it. */
  #brokenPeriod(state: State, source: Step, users: readonly Step[]): string | undefined {
    const early = users.find(({ returnedAt }) => returnedAt < source.invokedAt);
    if (early) return story(`Nothing leads to ${state} in time:`, early, source);
    const enders = users.filter(({ transition }) => transition.step(state) !== state);
    if (enders.length > 1) return story(`After the first, only one of these can follow:`, source, ...enders);
    const inPeriod = [...users, ...(source.isOptional ? [] : [source])];
    const first = inPeriod.reduce((one, other) => (other.returnedAt < one.returnedAt ? other : one));
    const last = users.reduce((one, other) => (other.invokedAt > one.invokedAt ? other : one));
    const breaking =
      enders.find(({ returnedAt }) => returnedAt < last.invokedAt) ??
      this.#within(first.returnedAt, last.invokedAt).find(
        ({ transition }) => transition.step(state) !== state,
      );
    if (breaking === undefined) return undefined;
    return story(`${state} must last, for only ${timed(source)} leads to it:`, first, breaking, last);
  }

  /** The steps that must be taken between two moments. */
  #within(from: number, to: number): Step[] {
    const within: Step[] = [];
    for (let index = firstAfter(this.#required, from); index < this.#required.length; index++) {
      const step = this.#required[index]!;
      if (step.invokedAt >= to) break;
      if (step.returnedAt < to) within.push(step);
    }
    return within;
  }

  #search(deadline: number): Verdict {
    const start: Point = {
      before: undefined,
      step: undefined,
      state: this.#initial,
      taken: this.#setOf([]),
      length: 0,
    };
    const way = [this.#visit(start, this.#open())];
    for (;;) {
      const visit = way.at(-1);
      if (visit === undefined) return { violation: this.#report() };
      if (visit.point.length === this.#required.length) return 'linearizable';
      if (this.#seen.size > MOST_CONFIGURATIONS || performance.now() > deadline) return 'undecided';
      const next = this.#nextVisit(visit);
      if (next !== undefined) {
        way.push(next);
        continue;
      }
      way.pop();
      if (visit.point.step) this.#giveBack(visit.point.step);
    }
  }

  /** Takes the first of the choices left that leads to a configuration not seen before. */
  #nextVisit({ point, choices }: Visit): Visit | undefined {
    for (let choice = choices.next(); !choice.done; choice = choices.next()) {
      const step = choice.value;
      const state = step.transition.step(point.state);
      if (state === undefined || isNeedless(point, step, state)) continue;
      this.#take(step);
      const open = this.#open();
      const next: Point = {
        before: point,
        step,
        state,
        taken: step.isOptional ? this.#with(point.taken, step) : point.taken,
        length: point.length + (step.isOptional ? 0 : 1),
      };
      if (next.length > this.#furthest!.point.length) this.#furthest = { point: next, open };
      const isLost = state !== point.state && (this.#isLost(point.state) || this.#isTooEarly(state));
      if (!isLost && !this.#isStuck(next, open) && this.#isNew(next, open)) return this.#visit(next, open);
      this.#giveBack(step);
    }
    return undefined;
  }

  #visit(point: Point, open: readonly Step[]): Visit {
    this.#furthest ??= { point, open };
    return { point, open, choices: this.#choices(point, open) };
  }

  /**
   * First the step whose time is up soonest, or what makes it possible; optional ones without such a reason come last. Any
   * order is right. In this one the search seldom finds out late that it went wrong early.
   */
  *#choices({ state, taken }: Point, open: readonly Step[]): Generator<Step> {
    const free = freeStep(open, state);
    if (free !== undefined) {
      yield free;
      return;
    }
    const byReturn = firstOfKind(open.toSorted((a, b) => a.returnedAt - b.returnedAt));
    const due = byReturn[0]!;
    const optional = this.#optional.filter(
      (step) => step.invokedAt <= due.returnedAt && !taken.steps.has(step),
    );
    const all = [...byReturn, ...firstOfKind(optional)];
    const urgent = all.filter((step) => step !== due && leadsTo(step, due.transition.requires));
    yield due;
    yield* urgent;
    yield* all.filter((step) => step !== due && !urgent.includes(step));
  }

  /** The required steps that were invoked before any of those not taken has returned, so that each may be next. */
  #open(): Step[] {
    const open: Step[] = [];
    let horizon = Infinity;
    for (const step of this.#left()) {
      if (step.invokedAt > horizon) break;
      open.push(step);
      horizon = Math.min(horizon, step.returnedAt);
    }
    return open;
  }

  #before(moment: number): Step[] {
    const before: Step[] = [];
    for (const step of this.#left()) {
      if (step.invokedAt >= moment) break;
      before.push(step);
    }
    return before;
  }

  /** The required steps that were not taken. */
  *#left(): Generator<Step> {
    const end = this.#required.length;
    for (let index = this.#next[end]!; index !== end; index = this.#next[index]!)
      yield this.#required[index]!;
  }

  /**
   * The open steps say which required ones were taken: all that were invoked before the first return of an open one, but
   * for these. What can come next also depends on an optional step right before it.
   */
  #isNew({ before, step, state, taken }: Point, open: readonly Step[]): boolean {
    const first = open[0]?.index ?? 0;
    const places = open.map(({ index }) => (index - first).toString(36)).join(',');
    const doubt = step?.isOptional ? `${step.index} ${before!.state}` : '';
    const known = this.#seen.size;
    this.#seen.add([first, places, taken.id, state, doubt].join('\n'));
    return this.#seen.size > known;
  }

  /** A state that is left, although it is needed and will not come again. */
  #isLost(state: State): boolean {
    return Boolean(this.#needed.get(state)) && !this.#sources.get(state);
  }

  /** A state that is reached and will not come again, but must be left before the last step that needs it can be taken. */
  #isTooEarly(state: State): boolean {
    if (!this.#isLost(state)) return false;
    const last = this.#users.get(state)!.findLast(({ index }) => !this.#isTaken[index])!;
    return this.#before(last.invokedAt).some(
      ({ returnedAt, transition }) => returnedAt < last.invokedAt && transition.step(state) !== state,
    );
  }

  /** One of the open steps does not fit, and none that can come before it leads to where it would. */
  #isStuck({ state, taken }: Point, open: readonly Step[]): boolean {
    const unfit = open.filter(({ transition }) => transition.step(state) === undefined);
    if (unfit.length === 0) return false;
    const latest = Math.max(...unfit.map(({ returnedAt }) => returnedAt));
    const others = [...this.#before(latest), ...this.#optional.filter((step) => !taken.steps.has(step))];
    return unfit.some(
      (step) =>
        !others.some(
          (other) =>
            other !== step &&
            other.invokedAt <= step.returnedAt &&
            other.transition.yields.some((reached) => step.transition.step(reached) !== undefined),
        ),
    );
  }

  #take(step: Step): void {
    this.#count(step, -1);
    if (step.isOptional) return;
    this.#isTaken[step.index] = true;
    const [previous, next] = [this.#previous[step.index]!, this.#next[step.index]!];
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  /** The steps must be given back in the reverse order: each still knows its place. */
  #giveBack(step: Step): void {
    this.#count(step, 1);
    if (step.isOptional) return;
    this.#isTaken[step.index] = false;
    this.#next[this.#previous[step.index]!] = step.index;
    this.#previous[this.#next[step.index]!] = step.index;
  }

  #count({ transition: { requires, yields }, isOptional }: Step, difference: number): void {
    if (requires !== undefined && !isOptional) add(this.#needed, requires, difference);
    for (const state of yields) add(this.#sources, state, difference);
  }

  #with(taken: Taken, step: Step): Taken {
    const larger = taken.larger.get(step) ?? this.#setOf([...taken.steps, step]);
    taken.larger.set(step, larger);
    return larger;
  }

  #setOf(steps: readonly Step[]): Taken {
    const name = steps
      .map(({ index }) => index)
      .sort((a, b) => a - b)
      .join();
    const set = this.#sets.get(name) ?? { id: this.#sets.size, steps: new Set(steps), larger: new Map() };
    this.#sets.set(name, set);
    return set;
  }

  #report(): string {
    const { point, open } = this.#furthest!;
    const due = open.reduce((first, step) => (step.returnedAt < first.returnedAt ? step : first));
    const others = open.filter((step) => step !== due);
    return [
      `${point.length} of ${this.#required.length} operations can be put in order, but then, at ${point.state}, neither`,
      `  ${timed(due)}`,
      others.length === 0
        ? 'can be next.'
        : 'can be next, nor is there a way to it by those begun before its return:',
      ...others.map((step) => `  ${timed(step)}`),
      'The last before it:',
      ...lastSteps(point).map(({ step, state }) => `  ${timed(step!)}, which leaves ${state}`),
    ].join('\n');
  }
}

type Part = Pick<Step, 'operation' | 'transition'>;

function toRequired({ operation, transition }: Part, index: number): Step {
  const { invokedAt, returnedAt } = operation;
  return { operation, transition, index, isOptional: false, invokedAt, returnedAt: returnedAt! };
}

function toOptional({ operation, transition }: Part, index: number): Step {
  const { invokedAt } = operation;
  return { operation, transition, index, isOptional: true, invokedAt, returnedAt: Infinity };
}

/** An optional step must change something, and the step behind it must be another for it: rules 1 and 2. */
function isNeedless({ before, step: last, state: between }: Point, step: Step, after: State): boolean {
  if (step.isOptional && after === between) return true;
  if (!last?.isOptional) return false;
  const without = step.transition.step(before!.state);
  if (without === undefined) return false;
  if (without === after) return true;
  const mayChangePlaces = !step.isOptional || step.index < last.index;
  return mayChangePlaces && last.transition.step(without) === after;
}

function freeStep(open: readonly Step[], state: State): Step | undefined {
  return open.find(
    ({ transition }) => transition.yields.length === 0 && transition.step(state) !== undefined,
  );
}

function firstOfKind(steps: readonly Step[]): Step[] {
  const kinds = new Set<string>();
  return steps.filter(({ transition: { kind } }) => !kinds.has(kind) && kinds.add(kind));
}

function leadsTo({ transition: { yields } }: Step, state: State | undefined): boolean {
  return state !== undefined && yields.includes(state);
}

/** The index of the first step that was invoked after a moment. */
function firstAfter(steps: readonly Step[], moment: number): number {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]!.invokedAt > moment) high = middle;
    else low = middle + 1;
  }
  return low;
}

function story(headline: string, ...steps: readonly Step[]): string {
  return [headline, ...[...new Set(steps)].map((step) => `  ${timed(step)}`)].join('\n');
}

function add(counts: Map<State, number>, state: State, difference: number): void {
  counts.set(state, (counts.get(state) ?? 0) + difference);
}

function lastSteps(point: Point): Point[] {
  const last: Point[] = [];
  for (let at = point; at.before !== undefined && last.length < TOLD_BEFORE; at = at.before) last.unshift(at);
  return last;
}

function timed({ operation, invokedAt, returnedAt }: Step): string {
  const end = returnedAt === Infinity ? '…' : returnedAt.toFixed(3);
  return `${invokedAt.toFixed(3)}–${end} ${inWords(operation)}`;
}
