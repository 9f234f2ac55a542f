import { connect } from '../contenders/connect.mjs';
import { keyAt, keysOf, pairsOf } from '../data.mjs';
import { throughput } from '../throughput.mjs';

const PREFIX = 'bench/range';

export function rows({ quick }) {
  const large = quick ? 20_000 : 100_000;
  return [1_000, large].map((size) => ({
    id: `etcd/range/${size}`,
    store: 'etcd',
    title: `getRange of ${size.toLocaleString('en')} keys`,
    unit: 'keys/s',
    contenders: ['ours', 'etcd3', 'raw'],
    targets: size === large ? [{ against: 'etcd3', atLeast: 0.9 }] : [],
    size,
  }));
}

export function fill(writer, chosen) {
  const most = Math.max(...chosen.map(({ size }) => size));
  return writer.storeAll(pairsOf(keysOf(PREFIX, most)));
}

export async function begin({ size }, contender, endpoint, { measureMs }) {
  const client = await connect(contender, endpoint);
  const read = () => client.getRange(keyAt(PREFIX, 0), keyAt(PREFIX, size - 1));
  const found = Object.keys(await read()).length;
  if (found !== size) throw new Error(`${contender} read ${found} keys instead of ${size}.`);
  const rangesPerSecond = await throughput(read, 1, measureMs);
  return { measure: async () => (await rangesPerSecond()) * size, end: () => client.close() };
}
