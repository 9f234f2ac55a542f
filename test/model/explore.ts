/** Something that may happen next, in words, and the state after it. */
export interface Step<State> {
  readonly what: string;
  readonly state: State;
}

/** States are plain values: two that read the same as JSON are one. */
export interface Model<State> {
  readonly initial: State;
  steps(state: State): Iterable<Step<State>>;
  /** What is wrong with a state, in words. */
  violation(state: State): string | undefined;
}

export interface Exploration {
  /** How many different states were seen. */
  readonly states: number;
  readonly counterexample?: Counterexample;
}

export interface Counterexample {
  readonly violation: string;
  /** A shortest way there. */
  readonly steps: readonly string[];
}

interface Visit<State> extends Step<State> {
  readonly before: Visit<State> | undefined;
}

/** Goes through all states that can be reached, the nearest first, until one is wrong. */
export function explore<State>(model: Model<State>): Exploration {
  const seen = new Set([JSON.stringify(model.initial)]);
  const visits: Visit<State>[] = [{ what: '', state: model.initial, before: undefined }];
  for (const visit of visits) {
    const violation = model.violation(visit.state);
    if (violation !== undefined)
      return { states: seen.size, counterexample: { violation, steps: wayTo(visit) } };
    for (const step of model.steps(visit.state)) {
      const known = seen.size;
      seen.add(JSON.stringify(step.state));
      if (seen.size > known) visits.push({ ...step, before: visit });
    }
  }
  return { states: seen.size };
}

function wayTo<State>(visit: Visit<State>): string[] {
  const steps: string[] = [];
  for (let at = visit; at.before !== undefined; at = at.before) steps.unshift(at.what);
  return steps;
}
