import { setMaxListeners } from 'node:events';
import { open } from '../../../dist/esm/kvi/open.js';
import { Calm } from './calm.mjs';
import { announce, config, on, onFinish } from './child.mjs';
import { Client } from './client.mjs';
import { health } from './health.mjs';
import { list } from './list.mjs';
import { lock } from './lock.mjs';
import { portWatch } from './port-watch.mjs';
import { range } from './range.mjs';
import { register } from './register.mjs';
import { tempKeys } from './temp-keys.mjs';
import { tidy } from './tidy.mjs';
import { untilDone } from './until-done.mjs';
import { view } from './view.mjs';
import { watch } from './watch.mjs';

// A process with some clients. Each is a handle of its own, under which all workloads run at once.

const WORKLOADS = [register, list, lock, range, tempKeys, view, watch];
/** Too much, or not needed, for all. */
const OF_THE_FIRST = [health, portWatch, tidy];

const silent = () => {};
const options = {
  logger: { debug: silent, log: silent, warn: silent, error: silent },
  requestTimeoutMs: config.requestTimeoutMs,
  sessionTtlSec: config.sessionTtlSec,
  ...(config.auth && { auth: config.auth }),
};

const over = new AbortController();
// As many as there are workloads at rest.
setMaxListeners(0, over.signal);
const calm = new Calm();
let end;
const lastRevision = new Promise((resolve) => (end = resolve));

async function run(number) {
  const kvi = await untilDone(over.signal, () => open(config.endpoints, options));
  if (kvi === undefined) return;
  const client = new Client(number, kvi, { over: over.signal, calm, lastRevision });
  const workloads = client.isFirst ? [...WORKLOADS, ...OF_THE_FIRST] : WORKLOADS;
  await Promise.all(workloads.map((workload) => workload(client)));
  await client.lane('close').do('call', 'close', null, undefined, () => kvi.close());
}

const runs = Array.from({ length: config.clients }, (_, number) => run(number));
on('calm', (isCalm) => (isCalm ? calm.begin() : calm.end()));
onFinish(async ({ revision }) => {
  over.abort();
  calm.end();
  end(revision);
  await Promise.all(runs);
});
announce();
