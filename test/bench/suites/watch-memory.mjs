import { connect } from '../contenders/connect.mjs';
import { contendersOn } from '../contenders/on-store.mjs';
import { keysOf, PUT } from '../data.mjs';

export function rows({ quick }) {
  const watches = quick ? 1_000 : 10_000;
  return ['etcd', 'mem'].map((store) => ({
    id: `${store}/watch-memory`,
    store,
    title: `heap for each of ${watches.toLocaleString('en')} watches`,
    unit: 'B',
    contenders: contendersOn(store),
    targets: [],
    watches,
  }));
}

export async function begin({ watches }, contender, endpoint) {
  const keys = keysOf(`bench/watch-memory/${contender}`, watches);

  async function measure() {
    const client = await connect(contender, endpoint);
    const first = await client.watchWithCB('bench/watch-memory', PUT, () => undefined);
    const before = heldBytes();
    const handles = await Promise.all(keys.map((key) => client.watchWithCB(key, PUT, () => undefined)));
    const bytes = heldBytes() - before;
    await Promise.all([first, ...handles].map((handle) => client.watchCBCancel(handle)));
    await client.close();
    return bytes / watches;
  }

  return { measure, end: async () => undefined };
}

function heldBytes() {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
