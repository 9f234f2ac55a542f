import { existsSync } from 'node:fs';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { open } from '../../../../dist/esm/kvi/open.js';
import { noteGaps } from '../../../support/gaps.mjs';
import { now, patient, serve } from './serve.mjs';

// Takes locks, and says when it knew what.

const handles = [];
const holds = new Map();
const gaps = [];

noteGaps(now, { everyMs: 20, longerThanMs: 200 }, (gap) => gaps.push(gap));

/**
 * The clock is read on the side that a stop of the process between the two cannot falsify: "held" was true when it
 * was asked for, and "lost" when it was answered.
 */
function ask(hold) {
  const askedAt = now();
  try {
    hold.lock.assertHeld();
    hold.lastHeldAt = askedAt;
  } catch {
    hold.lastLostAt = now();
  }
}

/** Asks all, and answers whether all are lost. */
function askAll() {
  const all = [...holds.values()];
  for (const hold of all) ask(hold);
  return all.every(({ lastLostAt }) => lastLostAt !== undefined);
}

function answers() {
  return Array.from(holds, ([name, { lastHeldAt, lastLostAt }]) => ({ name, lastHeldAt, lastLostAt }));
}

async function askUntilLost() {
  while (!askAll()) await eventLoopTurn();
  return answers();
}

let asking;

serve({
  async open(endpoint, options) {
    return handles.push(await open(endpoint, { ...patient, ...options })) - 1;
  },

  async lock(handle, name) {
    const lock = await handles[handle].lock(name);
    const grantedAt = now();
    const aborted = new Promise((resolve) => {
      lock.signal.addEventListener('abort', () => resolve(now()));
    });
    holds.set(name, { lock, aborted });
    return { grantedAt, token: lock.fencingToken };
  },

  abortedAt: (name) => holds.get(name).aborted,

  async release(name) {
    await holds.get(name).lock.release();
    holds.delete(name);
  },

  close: (handle) => handles[handle].close(),

  startAsking() {
    asking = askUntilLost();
  },

  answers: () => asking,

  gaps: () => gaps,

  async lateWrites() {
    const writes = Array.from(holds, ([name, { lock }]) => lock.kv.store(`late/${name}`, ''));
    const endings = await Promise.allSettled(writes);
    return endings.map(({ reason }) => reason?.name);
  },

  blockUntil(file) {
    while (!existsSync(file)) askAll();
    askAll();
    return answers();
  },
});
