import { connect, connectWriter } from '../contenders/connect.mjs';
import { contendersOn } from '../contenders/on-store.mjs';
import { keysOf, pairsOf, PUT } from '../data.mjs';

const SHAPES = [
  { keys: 1, subscribers: 1_000, puts: 20 },
  { keys: 1_000, subscribers: 10, puts: 1 },
];

export function rows() {
  return ['etcd', 'mem'].flatMap((store) =>
    SHAPES.map((shape) => ({
      id: `${store}/fan-out/${shape.keys}x${shape.subscribers}`,
      store,
      title: `watch calls, ${counted(shape.keys, 'key')} × ${counted(shape.subscribers, 'subscriber')}`,
      unit: '/s',
      contenders: contendersOn(store),
      targets: [],
      ...shape,
    })),
  );
}

function counted(count, what) {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}

export async function begin({ keys: keyCount, subscribers, puts }, contender, endpoint) {
  const client = await connect(contender, endpoint);
  const writer = await connectWriter(client, endpoint);
  const keys = keysOf(`bench/fan-out/${contender}`, keyCount);
  const expected = keyCount * subscribers * puts;
  let calls = 0;
  let allCalled;
  const called = () => void (++calls === expected && allCalled());
  const subscribed = keys.flatMap((key) => Array.from({ length: subscribers }, () => key));
  await Promise.all(subscribed.map((key) => client.watchWithCB(key, PUT, called)));

  async function measure() {
    calls = 0;
    const complete = new Promise((resolve) => (allCalled = resolve));
    const start = performance.now();
    await Promise.all(Array.from({ length: puts }, () => writer.storeAll(pairsOf(keys))));
    await complete;
    return (expected / (performance.now() - start)) * 1000;
  }

  async function end() {
    await writer.close();
    await client.close();
  }

  await measure();
  return { measure, end };
}
