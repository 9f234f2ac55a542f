import { setTimeout as delay } from 'node:timers/promises';
import { open } from '../../../../dist/esm/kvi/open.js';
import { patient, serve } from './serve.mjs';

// Appends to lists, each under a lock of its own: reads one, waits a little, writes it back with one item more.

const THOUGHT_MS = 40;

let kvi;
let taken = [];
let items = 0;

async function take(list) {
  const lock = await kvi.lock(list);
  const before = await kvi.get(`data/${list}`);
  return { list, lock, before: before === undefined ? [] : JSON.parse(before) };
}

async function finish({ list, lock, before }, isFenced) {
  const item = `${process.pid}/${++items}`;
  await delay(Math.random() * THOUGHT_MS);
  const writes = isFenced ? lock.kv : kvi;
  const wasHeld = lock.isHeld;
  const outcome = await writes.store(`data/${list}`, JSON.stringify([...before, item])).then(
    () => 'acknowledged',
    (error) => error.name,
  );
  await lock.release().catch(() => {});
  return { list, item, wasHeld, outcome };
}

serve({
  async open(endpoint) {
    // A write that is slow to arrive is waited for.
    kvi = await open(endpoint, { ...patient, sessionTtlSec: 4, requestTimeoutMs: 20_000 });
  },

  append: async (list, isFenced) => finish(await take(list), isFenced),

  async begin(lists) {
    taken = await Promise.all(lists.map(take));
  },

  finish: (isFenced) => Promise.all(taken.map((one) => finish(one, isFenced))),
});
