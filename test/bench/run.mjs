/**
 * How fast the library is, beside etcd3's own calls and raw grpc-js on an etcd that is started for it, and beside a
 * plain Map on `mem:`. Absolute numbers are the machine's; the ratios, round by round in one run, are the library's.
 * Run by `npm run bench`. A missed target is told and fails nothing.
 */
import { findEtcd } from '../support/etcd/find-etcd.mjs';
import { connect } from './contenders/connect.mjs';
import { withEtcd } from './etcd-server.mjs';
import { clearProgress, showProgress } from './progress.mjs';
import { rowLines, summaryLines } from './report.mjs';
import { writeResults } from './results.mjs';
import { measureRow, withContenders } from './rounds.mjs';
import { settingsOf, USAGE } from './settings.mjs';
import { chosenSuites } from './suites.mjs';

const { settings, suites: all } = await readCommandLine();
const etcd = await findEtcd().catch((error) => console.error(`No etcd, only mem: ${error.message}\n`));
const suites = all.filter(({ store }) => store === 'mem' || etcd !== undefined);
const total = suites.reduce((count, { rows }) => count + rows.length, 0);
const measured = [];

for (const chosen of suites) {
  await runSuite(chosen).catch((error) => {
    clearProgress();
    console.error(`${chosen.store}: ${chosen.suite} failed:`, error);
    process.exitCode = 1;
  });
}
console.log(`\n${summaryLines(measured).join('\n')}`);
const { json, chart } = await writeResults(measured, settings, etcd?.version);
console.log(`\nResults: ${json}\nChart:   ${chart}`);

async function readCommandLine() {
  try {
    const given = settingsOf(process.argv.slice(2));
    return { settings: given, suites: await chosenSuites(given) };
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function runSuite(chosen) {
  tell(chosen, 'gets ready');
  const contenders = [...new Set(chosen.rows.flatMap((row) => row.contenders))];
  await withStore(chosen, (endpoint) =>
    withContenders({ ...chosen, contenders, endpoint, settings }, async (processes) => {
      for (const row of chosen.rows) await runRow(row, processes);
    }),
  );
}

/** A new etcd for each suite: what one leaves behind must not slow the next one down. */
function withStore({ store, fill, rows }, use) {
  if (store === 'mem') return use('mem:bench');
  return withEtcd(etcd.etcd, async (endpoint) => {
    if (fill !== undefined) {
      const writer = await connect('raw', endpoint);
      await fill(writer, rows);
      await writer.close();
    }
    await use(endpoint);
  });
}

async function runRow(row, processes) {
  const figures = await measureRow(row, processes, settings, (step) => tell(row, step));
  measured.push({ ...row, figures });
  clearProgress();
  console.log(`[${measured.length}/${total}] ${rowLines(measured.at(-1)).join('\n')}`);
}

function tell({ store, title, suite }, step) {
  showProgress(`[${measured.length + 1}/${total}] ${store}: ${title ?? suite}: ${step}`);
}
