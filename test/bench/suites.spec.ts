import { describe, expect, it } from '@jest/globals';
import { drawChart } from './chart.mjs';
import { chosenSuites, type Row } from './suites.mjs';

async function chosen(settings: { quick?: boolean; only?: string[] } = {}): Promise<Row[]> {
  const suites = await chosenSuites({ quick: false, ...settings });
  return suites.flatMap(({ rows }) => rows);
}

function idsOf(rows: Row[]): string[] {
  return rows.map(({ id }) => id);
}

describe('the rows of the bench', () => {
  it('have names of their own, which begin with their store', async () => {
    const rows = await chosen();
    expect(new Set(idsOf(rows)).size).toBe(rows.length);
    expect(rows.filter(({ id, store }) => !id.startsWith(`${store}/`))).toEqual([]);
  });

  it('have targets against contenders of theirs, each with one bound', async () => {
    const targets = (await chosen()).flatMap((row) => row.targets.map((target) => ({ ...row, ...target })));
    expect(targets.filter(({ contenders, against = 'ours' }) => !contenders.includes(against))).toEqual([]);
    expect(
      targets.filter(({ atLeast, atMost }) => (atLeast === undefined) === (atMost === undefined)),
    ).toEqual([]);
  });

  it('are those with a target in a quick run', async () => {
    const [all, quick] = [await chosen(), await chosen({ quick: true })];
    expect(idsOf(quick).length).toBeLessThan(all.length / 2);
    expect(quick.map(({ targets }) => targets)).toEqual(
      all.map(({ targets }) => targets).filter((targets) => targets.length > 0),
    );
  });

  it('are chosen by parts of their names, whether quick or not', async () => {
    const only = ['etcd/tas/1', 'mem/lock'];
    const names = ['etcd/tas/1', 'etcd/tas/16', 'etcd/tas/1024', 'mem/lock'];
    expect(idsOf(await chosen({ only }))).toEqual(names);
    expect(idsOf(await chosen({ only, quick: true }))).toEqual(names);
  });

  it('are listed when a name chooses none of them', async () => {
    await expect(chosen({ only: ['nothing'] })).rejects.toThrow(/^etcd\/hand-over$/m);
  });

  it('are there for each bar of the chart', async () => {
    const figures = { ours: [1], etcd3: [1], raw: [1] };
    const rows = (await chosen()).map((row) => ({ ...row, figures }));
    const machine = { processor: '', cores: 2, node: '', etcd: '' };
    const bars = drawChart({ rounds: 1, machine, rows }).match(/<rect class="ours"/g);
    expect(bars).toHaveLength(13 + 1); // and the legend's
  });
});
