import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { open } from '../../../../dist/esm/kvi/open.js';
import { now, patient, serve } from './serve.mjs';

// Waits for one lock many times at once, and gives it back as soon as it has it.

let kvi;
const waiting = new Set();
const grants = [];
const failures = [];
const turns = [];

/** Those that wait are the last ones: sets keep the order. */
function giveUp(count) {
  for (const controller of [...waiting].slice(-count)) controller.abort();
}

async function takeTurn(name, { quitAfter, quitters }) {
  const controller = new AbortController();
  waiting.add(controller);
  const lock = await kvi.lock(name, { signal: controller.signal });
  const grant = { token: lock.fencingToken, grantedAt: now() };
  waiting.delete(controller);
  grants.push(grant);
  if (grants.length === quitAfter) giveUp(quitters);
  await eventLoopTurn();
  grant.releasedAt = now();
  await lock.release();
}

serve({
  async open(endpoint) {
    kvi = await open(endpoint, { ...patient, sessionTtlSec: 600 });
  },

  join(name, plan) {
    turns.push(takeTurn(name, plan).catch((error) => failures.push(error.name)));
  },

  async results() {
    await Promise.all(turns);
    return { grants, failures };
  },
});
