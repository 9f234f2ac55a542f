import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import * as index from '../../../dist/esm/index.js';

// Works with a server whose answers are not to be trusted, in a process of its own: what would end it is seen.

const { HmEtcdError, OutcomeUnknownError } = index;

const { seed, rounds, endpoint } = JSON.parse(process.argv[2]);
const TIMEOUT_MS = 700;
/** How much later than its deadline a call may end. */
const GRACE_MS = 1000;
const LOCK_SEC = 0.4;
/** Revoking the lease has a second of its own. */
const CLOSE_MS = 2 * TIMEOUT_MS + 1000;

const failures = [];
const counts = { all: 0, answered: 0 };
/** Each write of a key that nobody else writes, and what was said of it. */
const journal = [];
let doing = 'nothing';
let writes = 0;

function fail(what, error) {
  failures.push(
    `${doing}: ${what}${error === undefined ? '' : ` ${String(error?.stack ?? error).slice(0, 900)}`}`,
  );
}

process.on('unhandledRejection', (error) => fail('unhandled rejection', error));
process.on('uncaughtException', (error) => fail('uncaught exception', error));

const logger = Object.fromEntries(['debug', 'log', 'warn', 'error'].map((level) => [level, () => {}]));
const OPTIONS = {
  logger,
  requestTimeoutMs: TIMEOUT_MS,
  connectTimeoutMs: TIMEOUT_MS,
  sessionTtlSec: 2,
  shutdownTimeoutMs: 50,
};

/** A call must end by its deadline and a second, with an answer or an error of ours. */
async function call(what, limitMs, start) {
  counts.all++;
  counts[what] = (counts[what] ?? 0) + 1;
  const whose = `${doing.split(':')[0]}: ${what}`;
  const startedAt = performance.now();
  const ended = start().then(
    (answer) => ({ answer }),
    (error) => ({ error }),
  );
  const end = await Promise.race([ended, delay(limitMs + GRACE_MS + 3000, undefined, { ref: false })]);
  const tookMs = performance.now() - startedAt;
  const before = doing;
  doing = whose;
  if (end === undefined || tookMs > limitMs + GRACE_MS)
    fail(`took ${Math.round(tookMs)} ms, and had ${limitMs}`);
  if (end?.error !== undefined) judge(end.error);
  else counts.answered++;
  doing = before;
  return end ?? {};
}

function judge(error) {
  counts[error?.code] = (counts[error?.code] ?? 0) + 1;
  if (!(error instanceof HmEtcdError)) fail('ended with an error that is none of ours:', error);
  else if (error.message.length > 2000) fail(`said ${error.message.length} characters`);
}

/** A write of a key of its own: afterwards the store itself is asked what became of it. */
async function write(what, limitMs, start) {
  const key = `hostile/${seed}/${++writes}`;
  const { answer, error } = await call(what, limitMs, () => start(key));
  if (error === undefined) journal.push({ key, what, told: answer === false ? 'not applied' : 'applied' });
  else if (error instanceof OutcomeUnknownError) journal.push({ key, what, told: 'unknown' });
  else journal.push({ key, what, told: 'not applied', error: error.message });
}

async function drained(changes, forMs) {
  let count = 0;
  for await (const _ of changes) count++;
  return count + forMs;
}

async function throughView(kvi) {
  const view = await kvi.observe({ prefix: 'hostile/shared/' });
  try {
    await view.sync();
  } finally {
    await view.close();
  }
}

async function underLock(kvi, name) {
  const lock = await kvi.lock(name, { timeoutSec: LOCK_SEC });
  await write('HeldLock.kv.store', TIMEOUT_MS, (key) => lock.kv.store(key, 'x'));
  await lock.release();
}

/** Until the signal aborts, which is how such a wait ends. */
async function untilAborted(start) {
  const signal = AbortSignal.timeout(TIMEOUT_MS / 2);
  try {
    return await start(signal);
  } catch (error) {
    if (error === signal.reason) return undefined;
    throw error;
  }
}

async function watched(kvi) {
  const handle = await kvi.watchWithCB('hostile/shared/a', index.PUT, async () => {});
  await delay(TIMEOUT_MS / 4);
  await kvi.watchCBCancel(handle);
}

const shared = { start: 'hostile/shared/', end: 'hostile/shared/z' };

function workOf(kvi, round) {
  const lock = `hostile lock ${seed} ${round}`;
  return [
    call('get', TIMEOUT_MS, () => kvi.get('hostile/shared/a')),
    call('get', TIMEOUT_MS, () => kvi.get('hostile/shared/b')),
    write('store', TIMEOUT_MS, (key) => kvi.store(key, 'x')),
    write('createIfAbsent', TIMEOUT_MS, (key) => kvi.createIfAbsent(key, 'x')),
    call('store', TIMEOUT_MS, () => kvi.store('hostile/shared/a', `${round}`)),
    call('tas', TIMEOUT_MS, async () => isBoolean(await kvi.tas('hostile/shared/b', 'x', 'y'))),
    call('transaction', TIMEOUT_MS, async () =>
      isBoolean(
        await kvi.transaction(
          'hostile/shared/a',
          '=',
          'x',
          'hostile/shared/c',
          'then',
          'hostile/shared/c',
          'else',
        ),
      ),
    ),
    call('delete', TIMEOUT_MS, () => kvi.delete('hostile/shared/d')),
    call('getRange', TIMEOUT_MS, () => kvi.getRange(shared.start, shared.end)),
    call('getPrefix', TIMEOUT_MS, () => kvi.getPrefix('hostile/shared/')),
    call('scan', TIMEOUT_MS, () => drained(kvi.scan(shared), 0)),
    call('snapshot', TIMEOUT_MS, () => kvi.snapshot(shared)),
    call('lockInfo', TIMEOUT_MS, () => kvi.lockInfo(lock)),
    call('tempKey', 2 * TIMEOUT_MS, () => kvi.tempKey(`hostile/temp/${seed}`)),
    call('lock', LOCK_SEC * 1000 + 250 + 3 * TIMEOUT_MS, () => underLock(kvi, lock)),
    call('withLock', LOCK_SEC * 1000 + 250 + TIMEOUT_MS, () =>
      kvi.withLock(`${lock} b`, { timeoutSec: LOCK_SEC }, async () => {}),
    ),
    call('distTimedLock', LOCK_SEC * 1000 + 250, () => kvi.distTimedLock(LOCK_SEC)),
    call('watch', TIMEOUT_MS, () => untilAborted((signal) => kvi.watch('hostile/shared/a', { signal }))),
    call('changes', TIMEOUT_MS, () =>
      untilAborted((signal) => drained(kvi.changes({ prefix: 'hostile/' }, { signal }), 0)),
    ),
    call('observe', 4 * TIMEOUT_MS, () => throughView(kvi)),
    call('watchWithCB', 2 * TIMEOUT_MS, () => watched(kvi)),
    // Left without an end: close() must end them.
    call('lock that waits', CLOSE_MS + 4 * TIMEOUT_MS, () =>
      closedInstead(kvi.lock('hostile lock of another')),
    ),
    call('watch that waits', CLOSE_MS + 4 * TIMEOUT_MS, () => closedInstead(kvi.watch('hostile/nobody'))),
  ];
}

function closedInstead(waiting) {
  return waiting.catch((error) => {
    judge(error);
  });
}

function isBoolean(answer) {
  if (typeof answer !== 'boolean') throw new TypeError(`answered ${typeof answer}`);
}

/** The server becomes what this round wants it to be. */
async function agree(phase, round) {
  const agreed = once(process, 'message');
  process.send({ phase, round });
  await agreed;
}

async function tryRound(round) {
  doing = `round ${round}`;
  await agree('open', round);
  const { answer: kvi } = await call('open', TIMEOUT_MS, () => index.open(endpoint, OPTIONS));
  if (kvi === undefined) return;
  await agree('work', round);
  const work = workOf(kvi, round);
  await Promise.race([Promise.all(work), delay(3.5 * TIMEOUT_MS)]);
  await call('close', CLOSE_MS, () => kvi.close());
  await Promise.all(work);
}

for (let round = 0; round < rounds; round++) {
  process.send({ round });
  await tryRound(round).catch((error) => fail('the test itself failed:', error));
}
await agree('over', rounds);
// Whatever the server has left open of its connections, nothing of ours keeps the process alive.
process.send({ counts, failures, journal }, () => process.disconnect());
