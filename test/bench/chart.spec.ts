import { describe, expect, it } from '@jest/globals';
import { drawChart, type Results } from './chart.mjs';

const MACHINE = { processor: 'Processor', cores: 2, node: 'v20.20.2', etcd: '3.5.16' };

function row(id: string, ours: number, raw: number, etcd3: number, unit = '/s') {
  return { id, title: `title of ${id}`, unit, figures: { ours: [ours], raw: [raw], etcd3: [etcd3] } };
}

function chartOf(...rows: Results['rows']): string {
  return drawChart({ rounds: 7, machine: MACHINE, rows });
}

function widths(chart: string, contender: string): number[] {
  const bars = chart.matchAll(new RegExp(`<rect class="${contender}" [^>]*width="([^"]+)"`, 'g'));
  const [, ...ofRows] = [...bars].map(([, width]) => Number(width));
  return ofRows;
}

describe('the chart', () => {
  it('has bars as long as the row is many times as fast as etcd3', () => {
    const chart = chartOf(row('etcd/get/1', 100, 200, 100), row('etcd/get/256', 8_000, 1_500, 1_000));
    const [one, eight] = widths(chart, 'ours');
    const [two, oneAndAHalf] = widths(chart, 'raw');
    expect(eight).toBe(8 * one!);
    expect(two).toBe(2 * one!);
    expect(oneAndAHalf).toBe(1.5 * one!);
  });

  it('counts a time the other way round: half of it is twice as fast', () => {
    const chart = chartOf(row('etcd/attach', 50, 100, 100, 'ms'));
    const [ours] = widths(chart, 'ours');
    const [raw] = widths(chart, 'raw');
    expect(ours).toBe(2 * raw!);
    expect(chart).toContain('>2 × (50 ms)<');
  });

  it('has the line of etcd3 inside, also where all others are slower', () => {
    const chart = chartOf(row('etcd/get/1', 10, 20, 100));
    const [, x] = /<line class="base" x1="([^"]+)"[^>]*>\n<text class="note"/.exec(chart) ?? [];
    const [, width] = /viewBox="0 0 (\d+)/.exec(chart) ?? [];
    expect(Number(x)).toBeLessThan(Number(width));
  });

  it('takes the median of the ratios, not the ratio of the medians', () => {
    const figures = { ours: [10, 40, 90], raw: [1, 1, 1], etcd3: [10, 10, 30] };
    const chart = chartOf({ id: 'etcd/get/1', title: 'get', unit: '/s', figures });
    expect(chart).toContain('>3 × (40 /s)<');
  });

  it('shows the rows in an order of its own, and none that was not measured', () => {
    const chart = chartOf(row('etcd/lock', 1, 1, 1), row('etcd/get/16', 1, 1, 1), row('mem/lock', 1, 1, 1));
    expect(chart.match(/title of [^<]+/g)).toEqual(['title of etcd/get/16', 'title of etcd/lock']);
  });

  it('escapes what it is told', () => {
    const machine = { ...MACHINE, processor: 'AT&T <Fast>' };
    const named = { ...row('etcd/get/1', 1, 1, 1), title: 'get < & >' };
    const chart = drawChart({ rounds: 7, machine, rows: [named] });
    expect(chart).toContain('>get &lt; &amp; &gt;<');
    expect(chart).toContain('AT&amp;T &lt;Fast&gt;');
  });

  it('has colours for dark pages, and a ground of its own on both', () => {
    const chart = chartOf(row('etcd/get/1', 1, 1, 1));
    expect(chart).toMatch(/@media \(prefers-color-scheme: dark\) \{[^@]*\.ground/);
    expect(chart).toContain('<rect class="ground"');
  });

  it('can be drawn of nothing', () => {
    expect(chartOf()).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  });
});
