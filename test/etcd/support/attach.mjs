import { Etcd3 } from 'etcd3';
import { openEtcdStore } from '../../../dist/esm/store/etcd/open-etcd-store.js';

// How long watches take to attach, etcd3's and ours in turns, in a process that does nothing else.

const [endpoint, watches, rounds] = process.argv.slice(2);
const keys = Array.from({ length: Number(watches) }, (_, index) => `k/${index}`);
const options = { connectTimeoutMs: 5000, requestTimeoutMs: 5000, logger: console };

async function attachTheirs() {
  const client = new Etcd3({ hosts: endpoint });
  await client.get('warm');
  const start = performance.now();
  const watchers = await Promise.all(keys.map((key) => client.watch().key(key).create()));
  const tookMs = performance.now() - start;
  await Promise.all(watchers.map((watcher) => watcher.cancel()));
  client.close();
  return tookMs;
}

async function attachOurs() {
  const store = await openEtcdStore([endpoint], options);
  const start = performance.now();
  await Promise.all(keys.map((key) => store.watch({ key, afterRevision: 1 })));
  const tookMs = performance.now() - start;
  await store.close();
  return tookMs;
}

const [theirs, ours] = [[], []];
for (let round = 0; round < Number(rounds); round++) {
  theirs.push(await attachTheirs());
  ours.push(await attachOurs());
}
process.stdout.write(JSON.stringify({ theirs: Math.min(...theirs), ours: Math.min(...ours) }));
