import { connect } from '../contenders/connect.mjs';
import { throughput } from '../throughput.mjs';

export function rows() {
  return [
    rowOf('etcd', ['ours', 'etcd3', 'raw'], [{ against: 'etcd3', atLeast: 2.5 }]),
    rowOf('mem', ['ours'], []),
  ];
}

function rowOf(store, contenders, targets) {
  return {
    id: `${store}/lock`,
    store,
    title: 'lock and unlock, uncontended',
    unit: '/s',
    contenders,
    targets,
  };
}

export async function begin(row, contender, endpoint, { measureMs }) {
  const client = await connect(contender, endpoint);
  const cycle = async () => (await client.lock(`bench-lock-${contender}`)).release();
  const measure = await throughput(cycle, 1, measureMs);
  return { measure, end: () => client.close() };
}
