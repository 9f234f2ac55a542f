import { setTimeout as pause } from 'node:timers/promises';
import { Child } from '../child.mjs';
import { monotonicMs } from '../clock.mjs';
import { connect } from '../contenders/connect.mjs';
import { median } from '../statistics.mjs';

const PROCESSES = 5;
const WAITERS = 10;
const HAND_OVERS = PROCESSES * WAITERS;

/** Each hand-over begins when the last one is over: its answers read, its keys deleted. */
const HOLD_MS = 5;

const LOCK = 'bench-hand-over';
const ONE_PUT = 'raw: put to watch event';

export function rows() {
  return [
    {
      id: 'etcd/hand-over',
      store: 'etcd',
      title: `lock handed over, ${HAND_OVERS} waiters in ${PROCESSES} processes`,
      unit: 'ms',
      contenders: ['ours', ONE_PUT],
      targets: [{ against: ONE_PUT, atMost: 1.5 }],
    },
  ];
}

export function begin(row, contender, endpoint) {
  return contender === 'ours' ? beginHandOvers(endpoint) : beginPuts(endpoint);
}

/** From the start of a holder's release to the next waiter's having the lock. */
async function beginHandOvers(endpoint) {
  const kvi = await connect('ours', endpoint);
  const waiting = [endpoint, LOCK, WAITERS, HOLD_MS].map(String);
  const processes = Array.from({ length: PROCESSES }, () => new Child('processes/waiters.mjs', waiting));

  async function measure() {
    const first = await kvi.lock(LOCK);
    const taken = Promise.all(processes.map((waiters) => waiters.ask('take')));
    while ((await kvi.lockInfo(LOCK)).queue.length < HAND_OVERS) await pause(20);
    const releases = [monotonicMs()];
    await first.release();
    const holds = (await taken).flat().toSorted((one, other) => one.gotAt - other.gotAt);
    releases.push(...holds.map(({ releasedAt }) => releasedAt));
    return median(holds.map(({ gotAt }, index) => gotAt - releases[index]));
  }

  async function end() {
    await Promise.all(processes.map((waiters) => waiters.stop()));
    await kvi.close();
  }

  await measure();
  return { measure, end };
}

/** From the start of a put to the arrival of its event in another process. */
async function beginPuts(endpoint) {
  const client = await connect('raw', endpoint);
  const watcher = new Child('processes/watcher.mjs', [endpoint, 'bench/hand-over']);
  await watcher.ask('ready?');

  async function putOnce() {
    const arrival = watcher.ask('next');
    await pause(HOLD_MS);
    const putAt = monotonicMs();
    await client.store('bench/hand-over', '');
    return (await arrival) - putAt;
  }

  async function measure() {
    const took = [];
    while (took.length < HAND_OVERS) took.push(await putOnce());
    return median(took);
  }

  async function end() {
    await watcher.stop();
    await client.close();
  }

  await measure();
  return { measure, end };
}
