import { serve } from '../child.mjs';

// One contender in one suite: its garbage and what it compiles to are its own. No collection is forced between rounds:
// that throws compiled code away, and halves what the next round would have shown.

const [suite, contender, endpoint, settings] = process.argv.slice(2);
const { begin } = await import(`../suites/${suite}.mjs`);

let subject;

const STEPS = {
  async begin(row) {
    subject = await begin(row, contender, endpoint, JSON.parse(settings));
  },
  measure: () => subject.measure(),
  end: () => subject.end(),
};

serve(({ step, row }) => STEPS[step](row));
