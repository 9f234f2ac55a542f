/**
 * How fast the library is, beside etcd3's own calls and raw grpc-js on one etcd that is started for it, and beside a
 * plain Map on `mem:`. Absolute numbers are the machine's; the ratios, round by round in one run, are the library's.
 * Run by `npm run bench`, which says at its end where the results and their chart are.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { findEtcd } from '../support/etcd/find-etcd.mjs';
import { drawChart } from './chart.mjs';
import { connect } from './contenders/connect.mjs';
import { withEtcd } from './etcd-server.mjs';
import { clearProgress, showProgress } from './progress.mjs';
import { rowLines, summaryLines } from './report.mjs';
import { measureRow, withContenders } from './rounds.mjs';
import { settingsOf, USAGE } from './settings.mjs';
import { chosenSuites } from './suites.mjs';

function readSettings() {
  try {
    return settingsOf(process.argv.slice(2));
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

const settings = readSettings();
const etcd = await findEtcd().catch((error) => console.log(`No etcd, only mem: ${error.message}\n`));
const suites = (await chosenSuites(settings)).filter(({ store }) => store === 'mem' || etcd !== undefined);
const total = suites.reduce((count, { rows }) => count + rows.length, 0);
const done = [];

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

async function runSuite(chosen) {
  const { suite, store, rows } = chosen;
  showProgress(`[${done.length + 1}/${total}] ${store}: ${suite} gets ready`);
  await withStore(chosen, (endpoint) => {
    const contenders = [...new Set(rows.flatMap((row) => row.contenders))];
    return withContenders({ suite, contenders, endpoint, settings }, async (processes) => {
      for (const row of rows) {
        const progress = (step) =>
          showProgress(`[${done.length + 1}/${total}] ${store}: ${row.title}, ${step}`);
        const figures = await measureRow(row, processes, settings, progress);
        done.push({ ...row, figures });
        clearProgress();
        console.log(`[${done.length}/${total}] ${rowLines(done.at(-1)).join('\n')}`);
      }
    });
  });
}

async function writeResults() {
  const results = {
    date: new Date().toISOString(),
    quick: settings.quick,
    rounds: settings.rounds,
    machine: { processor: cpus()[0].model, cores: cpus().length, node: process.version, etcd: etcd?.version },
    rows: done,
  };
  const chart = settings.json.replace(/\.json$/, '.svg');
  await mkdir(dirname(settings.json), { recursive: true });
  await writeFile(settings.json, `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(chart, drawChart(results));
  console.log(`\nResults: ${settings.json}\nChart:   ${chart}`);
}

for (const chosen of suites) await runSuite(chosen);
console.log(`\n${summaryLines(done).join('\n')}`);
await writeResults();
