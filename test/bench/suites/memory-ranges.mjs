import { connect } from '../contenders/connect.mjs';
import { keyAt, VALUES } from '../data.mjs';
import { throughput } from '../throughput.mjs';

const FEW = 10_000;
const AMONG_FEW = `among ${FEW.toLocaleString('en')} keys`;

export function rows({ quick }) {
  const many = quick ? 200_000 : 1_000_000;
  const among = `among ${many.toLocaleString('en')} keys`;
  return [
    {
      id: 'mem/range/1000',
      store: 'mem',
      title: `getRange of 1,000 ${among}`,
      unit: 'µs',
      contenders: ['ours', AMONG_FEW],
      targets: [{ against: AMONG_FEW, atMost: 2 }],
      size: 1_000,
      many,
    },
    {
      id: 'mem/range/100000',
      store: 'mem',
      title: `getRange of 100,000 ${among}`,
      unit: 'µs',
      contenders: ['ours'],
      targets: [],
      size: 100_000,
      many,
    },
  ];
}

export async function begin({ size, many }, contender, endpoint, { measureMs }) {
  const among = contender === AMONG_FEW ? FEW : many;
  const kvi = await connect('ours', endpoint);
  for (let index = 0; index < among; index++) await kvi.store(keyAt('bench', index), VALUES[0]);
  const first = (among - size) / 2;
  const read = () => kvi.getRange(keyAt('bench', first), keyAt('bench', first + size - 1));
  const found = (await read()).length;
  if (found !== size) throw new Error(`${contender} read ${found} keys instead of ${size}.`);
  const rangesPerSecond = await throughput(read, 1, measureMs);
  return { measure: async () => 1_000_000 / (await rangesPerSecond()), end: () => kvi.close() };
}
