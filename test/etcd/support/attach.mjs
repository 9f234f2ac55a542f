import { Etcd3 } from 'etcd3';
import { open, PUT } from '../../../dist/esm/index.js';
import { openEtcdStore } from '../../../dist/esm/store/etcd/open-etcd-store.js';

// How many milliseconds watches take to attach, in rounds, in a process that does nothing else: etcd3's own, those of
// the store and those of the public interface. Every second round goes the other way about.

const [endpoint, watches, rounds] = process.argv.slice(2);
const keys = Array.from({ length: Number(watches) }, (_, index) => `k/${index}`);
const logger = { debug() {}, log() {}, warn: console.error, error: console.error };
const options = { connectTimeoutMs: 5000, requestTimeoutMs: 5000, logger };

async function timed(attach) {
  const start = performance.now();
  const watchers = await Promise.all(keys.map((key) => attach(key)));
  return { tookMs: performance.now() - start, watchers };
}

async function theirs() {
  const client = new Etcd3({ hosts: endpoint });
  await client.get('warm');
  const { tookMs, watchers } = await timed((key) => client.watch().key(key).create());
  await Promise.all(watchers.map((watcher) => watcher.cancel()));
  client.close();
  return tookMs;
}

async function store() {
  const opened = await openEtcdStore([endpoint], options);
  const { tookMs } = await timed((key) => opened.watch({ key, afterRevision: 1 }));
  await opened.close();
  return tookMs;
}

async function callbacks() {
  const kvi = await open(endpoint, options);
  const { tookMs } = await timed((key) => kvi.watchWithCB(key, PUT, () => {}));
  await kvi.close();
  return tookMs;
}

const ways = [theirs, store, callbacks];
const took = { theirs: [], store: [], callbacks: [] };
for (let round = 0; round < Number(rounds); round++) {
  for (const way of round % 2 === 0 ? ways : ways.toReversed()) took[way.name].push(await way());
}
process.stdout.write(JSON.stringify(took));
