import { connect } from '../contenders/connect.mjs';
import { contendersOn } from '../contenders/on-store.mjs';
import { keysOf, PUT } from '../data.mjs';

const WATCHES = 1_000;

export function rows() {
  return ['etcd', 'mem'].map((store) => ({
    id: `${store}/attach`,
    store,
    title: `${WATCHES.toLocaleString('en')} watches attach`,
    unit: 'ms',
    contenders: contendersOn(store),
    targets: [],
  }));
}

export async function begin(row, contender, endpoint) {
  const keys = keysOf(`bench/attach/${contender}`, WATCHES);

  /** Each time over a connection that has not watched before. */
  async function measure() {
    const client = await connect(contender, endpoint);
    await client.get(keys[0]);
    const start = performance.now();
    const handles = await Promise.all(keys.map((key) => client.watchWithCB(key, PUT, () => undefined)));
    const tookMs = performance.now() - start;
    await Promise.all(handles.map((handle) => client.watchCBCancel(handle)));
    await client.close();
    return tookMs;
  }

  await measure();
  return { measure, end: async () => undefined };
}
