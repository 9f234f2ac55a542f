import { connect, connectWriter } from '../contenders/connect.mjs';
import { contendersOn } from '../contenders/on-store.mjs';
import { PUT, VALUES } from '../data.mjs';
import { median } from '../statistics.mjs';

const PUTS = 50;

export function rows() {
  return ['etcd', 'mem'].map((store) => ({
    id: `${store}/watch-latency`,
    store,
    title: 'watch: from a put to its call',
    unit: 'ms',
    contenders: contendersOn(store),
    targets: [],
  }));
}

export async function begin(row, contender, endpoint) {
  const client = await connect(contender, endpoint);
  const writer = await connectWriter(client, endpoint);
  const key = `bench/watch-latency/${contender}`;
  let called;
  await client.watchWithCB(key, PUT, () => called(performance.now()));

  async function putOnce() {
    const call = new Promise((resolve) => (called = resolve));
    const start = performance.now();
    await writer.store(key, VALUES[0]);
    return (await call) - start;
  }

  async function measure() {
    const took = [];
    while (took.length < PUTS) took.push(await putOnce());
    return median(took);
  }

  async function end() {
    await writer.close();
    await client.close();
  }

  await measure();
  return { measure, end };
}
