import { serve } from '../child.mjs';

// One contender in one suite: nothing else computes here, and what it compiles to owes nothing to the others.

const [suite, contender, endpoint, settings] = process.argv.slice(2);
const { begin } = await import(`../suites/${suite}.mjs`);

let subject;

const STEPS = {
  async begin(row) {
    subject = await begin(row, contender, endpoint, JSON.parse(settings));
  },
  async measure() {
    globalThis.gc();
    return subject.measure();
  },
  end: () => subject.end(),
};

serve(({ step, row }) => STEPS[step](row));
