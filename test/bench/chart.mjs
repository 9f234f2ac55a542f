import { nameOf, rounded } from './format.mjs';
import { median, ratios } from './statistics.mjs';

// Plain SVG with a ground of its own, in both colour schemes: pages of either show it as an image.

const BASE = 'etcd3';

const CHARTED = [
  'etcd/get/1',
  'etcd/get/16',
  'etcd/get/256',
  'etcd/get/1024',
  'etcd/store/1',
  'etcd/store/16',
  'etcd/store/256',
  'etcd/store/1024',
  'etcd/mixed/256',
  'etcd/tas/256',
  'etcd/transaction/256',
  'etcd/lock',
  'etcd/attach',
];

const WIDTH = 760;
const LEFT = 210;
const LONGEST = 400;
const TOP = 72;
const ROW = 38;
const BAR = 13;
const BOTTOM = 36;

const STYLE = `
.ground { fill: #ffffff; stroke: #d0d7de }
text { font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
.heading { font-size: 15px; font-weight: 600 }
.note { fill: #59636e }
.ours { fill: #1f6feb }
.raw { fill: #9aa4af }
.base { stroke: #59636e; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117; stroke: #3d444d }
text { fill: #f0f6fc }
.note { fill: #9198a1 }
.ours { fill: #4493f8 }
.raw { fill: #656c76 }
.base { stroke: #9198a1 }
}
`;

/** How many times as fast as etcd3's own calls the others are, for the rows of the chart that were measured. */
export function drawChart({ rows, rounds, machine }) {
  const charted = CHARTED.flatMap((id) => rows.filter((row) => row.id === id));
  const bars = charted.map((row) => ['ours', 'raw'].map((contender) => barOf(row, contender)));
  const scale = LONGEST / Math.max(1, ...bars.flat().map(({ times }) => times));
  const height = TOP + charted.length * ROW + BOTTOM;
  const { processor, cores, node, etcd } = machine;
  const note = `${cores} × ${processor}, shared with etcd ${etcd} · Node.js ${node} · medians of ${rounds} rounds`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img">`,
    '<title>How many times as fast as etcd3</title>',
    `<style>${STYLE}</style>`,
    `<rect class="ground" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="6"/>`,
    text(16, 28, 'How many times as fast as etcd3’s own calls', 'heading'),
    ...legend(),
    ...charted.flatMap(({ title }, index) => drawRow(title, bars[index], TOP + index * ROW, scale)),
    verticalLine(LEFT + scale, TOP - 4, height - BOTTOM),
    text(16, height - 14, note, 'note'),
    '</svg>',
    '',
  ].join('\n');
}

function barOf({ unit, figures }, contender) {
  const [its, base] = [figures[contender], figures[BASE]];
  const isRate = unit.endsWith('/s');
  const times = isRate ? ratios(its, base).median : ratios(base, its).median;
  return { contender, times, label: `${rounded(times)} × (${rounded(median(its))} ${unit})` };
}

function drawRow(title, bars, top, scale) {
  return [
    text(16, top + BAR + 4, title),
    ...bars.flatMap(({ contender, times, label }, index) => [
      rectangle(contender, LEFT, top + index * (BAR + 1), times * scale),
      text(LEFT + times * scale + 6, top + index * (BAR + 1) + 11, label, index === 0 ? undefined : 'note'),
    ]),
  ];
}

function legend() {
  return [
    rectangle('ours', 16, 42, BAR),
    text(36, 53, nameOf('ours')),
    rectangle('raw', 146, 42, BAR),
    text(166, 53, `${nameOf('raw')}, one RPC for each operation`),
    verticalLine(424, 42, 42 + BAR),
    text(436, 53, `${BASE} = 1`),
  ];
}

function rectangle(contender, x, y, width) {
  return `<rect class="${contender}" x="${x}" y="${y}" width="${digits(width)}" height="${BAR}" rx="1.5"/>`;
}

function verticalLine(x, from, to) {
  return `<line class="base" x1="${digits(x)}" x2="${digits(x)}" y1="${from}" y2="${to}"/>`;
}

function text(x, y, words, style) {
  const styled = style === undefined ? '' : ` class="${style}"`;
  return `<text${styled} x="${digits(x)}" y="${y}">${escaped(words)}</text>`;
}

function digits(number) {
  return Number(number.toFixed(2));
}

function escaped(words) {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
