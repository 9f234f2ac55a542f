import { prefixSpan } from '../../../dist/esm/store/key-span.js';
import { StoreReplacedError } from '../../../dist/esm/store/errors.js';
import { openEtcdStore } from '../../../dist/esm/store/etcd/open-etcd-store.js';
import { config, Journal } from './child.mjs';
import { LastChange } from './last-change.mjs';
import { untilDone } from './until-done.mjs';

const PREFIX = 'reg/';
const PROGRESS_MS = 500;

const silent = () => {};
const options = {
  ...config,
  connectTimeoutMs: config.requestTimeoutMs,
  logger: { debug: silent, log: silent, warn: silent, error: silent },
};

const journal = new Journal('watches');

/** A watch at the store's port: it shows in which pieces changes come, and how far they are said to have come. */
export async function portWatch(client) {
  const name = `${client.name}-port`;
  journal.note({ name, range: { prefix: PREFIX }, prevValue: true });
  const lastChange = new LastChange(client.lastRevision);
  const over = new AbortController();
  const following = follow(over.signal, (line) => {
    journal.note({ name, ...line });
    if (line.progress !== undefined) lastChange.reach(line.progress);
    if (line.isReplaced) lastChange.startOver();
  });
  journal.note({ name, completeTo: await lastChange.reached });
  over.abort();
  await following;
}

async function follow(over, note) {
  const store = await untilDone(over, () => openEtcdStore(config.endpoints, options));
  await untilDone(over, () => attempt(store, over, note));
  await store?.close();
}

/** From the present on, until it fails: then the next change was compacted. */
async function attempt(store, over, note) {
  const span = prefixSpan(PREFIX);
  const { revision } = await store.range({ ...span, limit: 1 });
  const watch = await store.watch({ ...span, afterRevision: revision });
  const asking = setInterval(() => watch.requestProgress(), PROGRESS_MS);
  const cancel = () => watch.cancel();
  over.addEventListener('abort', cancel);
  note({ fromRevision: revision + 1 });
  try {
    for (let next = await watch.next(); next !== undefined; next = await watch.next())
      note({ changes: next.events.map(toChange), progress: next.revision });
  } catch (error) {
    if (error instanceof StoreReplacedError) note({ isReplaced: true });
    throw error;
  } finally {
    clearInterval(asking);
    over.removeEventListener('abort', cancel);
  }
}

function toChange({ type, kv, previous }) {
  const { key, value, modRevision: revision } = kv;
  const change = type === 'put' ? { op: 1, key, revision, value } : { op: 2, key, revision };
  return { ...change, prevValue: previous?.value };
}
