import { setTimeout as pause } from 'node:timers/promises';
import { serve } from '../child.mjs';
import { monotonicMs } from '../clock.mjs';
import { connect } from '../contenders/connect.mjs';

// Waiters for one lock. Each takes it once whenever they are told to, and tells when it had it and began to release it.

const [endpoint, name, waiters, holdMs] = process.argv.slice(2);
const kvi = await connect('ours', endpoint);

async function takeOnce() {
  const lock = await kvi.lock(name);
  const gotAt = monotonicMs();
  await pause(Number(holdMs));
  const releasedAt = monotonicMs();
  await lock.release();
  return { gotAt, releasedAt };
}

serve(() => Promise.all(Array.from({ length: Number(waiters) }, takeOnce)));
