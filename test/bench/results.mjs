import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { drawChart } from './chart.mjs';
import { outcome, ratios } from './statistics.mjs';

/** Writes what was measured as JSON, and the chart of it beside. Gives both paths. */
export async function writeResults(rows, { json, quick, rounds }, etcdVersion) {
  const [{ model }] = cpus();
  const machine = {
    processor: model.trim(),
    cores: cpus().length,
    node: process.version,
    etcd: etcdVersion ?? 'none',
  };
  const results = { date: new Date().toISOString(), quick, rounds, machine, rows: rows.map(withRatios) };
  const chart = json.replace(/\.json$/, '.svg');
  await mkdir(dirname(json), { recursive: true });
  await writeFile(json, `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(chart, drawChart(results));
  return { json, chart };
}

function withRatios(row) {
  const { contenders, figures, targets } = row;
  const [ours, ...others] = contenders;
  return {
    ...row,
    ratios: Object.fromEntries(others.map((other) => [other, ratios(figures[ours], figures[other])])),
    targets: targets.map((target) => ({ ...target, ...outcome(target, figures, ours) })),
  };
}
