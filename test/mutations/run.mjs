/**
 * Checks the checkers: breaks one rule of the library after the other, in a copy of the checkout, and expects a workload
 * of the fault tests to notice each. Run by `npm run test:mutations`; `-- --only NAME` tries one.
 */
import { parseArgs } from 'node:util';
import { Checkout, TableError } from './checkout.mjs';
import { mutations, workloads } from './mutations.mjs';
import { runWorkload } from './workload.mjs';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopping.abort(new Error(signal)));

const chosen = chosenMutations();
const checkout = await Checkout.copy();
try {
  await check(checkout);
} finally {
  await checkout.remove();
}

function chosenMutations() {
  const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
  const found = mutations.filter(({ name }) => only === undefined || name === only);
  if (found.length > 0) return found;
  console.error(`There is no mutation '${only}', only:\n${mutations.map(({ name }) => name).join('\n')}`);
  process.exit(2);
}

async function check(copy) {
  await copy.build();
  const sound = new Set();
  for (const name of new Set(chosen.map(({ workload }) => workload))) {
    if (await passes(copy, name)) sound.add(name);
  }
  const rows = [];
  for (const mutation of chosen) {
    const row = sound.has(mutation.workload)
      ? await tried(copy, mutation)
      : { isCaught: false, what: 'not tried: its workload fails without it' };
    rows.push({ ...mutation, ...row });
  }
  const caught = rows.filter(({ isCaught }) => isCaught).length;
  console.log(`\nmutation | workload | caught by | seconds\n--- | --- | --- | ---:`);
  for (const { name, workload, what, seconds } of rows)
    console.log([name, workload, what, seconds?.toFixed(1) ?? ''].join(' | '));
  console.log(`\n${caught} of ${rows.length} caught`);
  if (caught < rows.length) process.exitCode = 1;
}

/** What fails by itself says nothing of a mutation. */
async function passes(copy, name) {
  const run = await runOf(copy, name);
  const isSound = run.failures.length === 0 && run.trouble === undefined;
  console.log(`${name}: ${isSound ? 'passes' : 'FAILS'} without a mutation (${run.seconds.toFixed(1)} s)`);
  if (!isSound) console.error(run.trouble ?? '', run.output);
  return isSound;
}

async function tried(copy, { name, edits, workload, sign }) {
  try {
    return await copy.mutated(edits, async () => {
      await copy.build();
      const run = await runOf(copy, workload);
      const verdict = verdictOn(run, sign);
      console.log(`${name}: ${verdict.isCaught ? 'caught' : 'NOT CAUGHT'} (${run.seconds.toFixed(1)} s)`);
      if (!verdict.isCaught) console.error(run.output);
      return { ...verdict, seconds: run.seconds };
    });
  } catch (error) {
    if (!(error instanceof TableError)) throw error;
    console.error(`${name}: the table does not fit: ${error.message}`);
    return { isCaught: false, what: 'the table does not fit the library' };
  }
}

/** A run that hangs, or breaks, or fails in another way has not shown what was looked for. */
function verdictOn({ failures, trouble }, sign) {
  if (trouble !== undefined) return { isCaught: false, what: `not caught: ${trouble}` };
  if (failures.length === 0) return { isCaught: false, what: 'not caught: all tests pass' };
  const told = failures.find(({ message }) => sign.test(message));
  return told === undefined
    ? { isCaught: false, what: `not caught: '${failures[0].name}' failed in another way` }
    : { isCaught: true, what: told.name };
}

async function runOf(copy, name) {
  stopping.signal.throwIfAborted();
  const run = await runWorkload(copy.folder, workloads[name], stopping.signal);
  stopping.signal.throwIfAborted();
  return run;
}
