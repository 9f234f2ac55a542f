import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { Kvi } from '../../../lib/kvi/kvi.js';
import { type EtcdServer, startEtcd } from '../../support/etcd/etcd-server.js';
import { startProxy, type TcpProxy } from '../../support/etcd/tcp-proxy.js';
import { connect } from '../../etcd/support/connect.js';
import { type Append, Appender } from '../../etcd/locks/support/appender.js';
import { untilQueued } from '../../etcd/locks/support/queue.js';

/** A round is one list, to which each process appends once; one of them loses the lock meanwhile. */
const ROUNDS = Number(process.env.FENCE_ROUNDS ?? 100);
const AT_ONCE = 50;

const PROCESSES = 3;

/** When the fault comes, the victim has written some of its lists, is writing some and thinks about others. */
const FAULT_WITHIN_MS = 40;

interface Client {
  readonly appender: Appender;
  readonly line: TcpProxy;
}

/** Each takes a client off, and answers how to bring it back. */
const FAULTS: readonly ((client: Client) => Promise<() => Promise<void> | void>)[] = [
  async ({ appender }) => {
    appender.pause();
    return () => appender.resume();
  },
  // What it has sent arrives in the end.
  async ({ line }) => {
    await line.hold();
    return () => line.pass();
  },
];

/** Its holder believed that it held the lock, and the store knew better: what the fence is for. */
function wasFenced({ wasHeld, outcome }: Append): boolean {
  return wasHeld && outcome === 'LockLostError';
}

async function startClient(etcd: EtcdServer): Promise<Client> {
  const [appender, line] = [new Appender(), await startProxy(etcd.ports.client)];
  await appender.open(line.endpoint);
  return { appender, line };
}

interface Findings {
  readonly acknowledged: number;
  readonly refused: number;
  /** Of these, by the store alone. */
  readonly fenced: number;
  /** Acknowledged, but not in the list. */
  readonly lost: readonly Append[];
  /** Refused because the lock was lost, but in the list. */
  readonly applied: readonly Append[];
}

async function findings(kvi: Kvi, appends: readonly Append[]): Promise<Findings> {
  const written = new Set<string>();
  for (const list of new Set(appends.map((append) => append.list))) {
    const items = JSON.parse((await kvi.get(`data/${list}`)) ?? '[]') as string[];
    expect(items).toEqual([...new Set(items)]);
    for (const item of items) written.add(item);
  }
  const acknowledged = appends.filter(({ outcome }) => outcome === 'acknowledged');
  const refused = appends.filter(({ outcome }) => outcome === 'LockLostError');
  return {
    acknowledged: acknowledged.length,
    refused: refused.length,
    fenced: refused.filter(wasFenced).length,
    lost: acknowledged.filter(({ item }) => !written.has(item)),
    applied: refused.filter(({ item }) => written.has(item)),
  };
}

/** The victim has read all lists when the others begin to wait for them, and goes on when they are done. */
async function appendsOf(
  kvi: Kvi,
  lists: readonly string[],
  [victim, ...others]: readonly Client[],
  takeOff: (typeof FAULTS)[number],
  isFenced: boolean,
): Promise<Append[]> {
  await victim!.appender.begin(lists);
  const appends = Promise.all(
    others.flatMap(({ appender }) => lists.map((list) => appender.append(list, isFenced))),
  );
  await Promise.all(lists.map((list) => untilQueued(kvi, list, PROCESSES)));
  const finished = victim!.appender.finish(isFenced);
  await delay(Math.random() * FAULT_WITHIN_MS);
  const bringBack = await takeOff(victim!);
  const done = await appends;
  await bringBack();
  return [...done, ...(await finished)];
}

/** So many rounds, and up to five times as many until it is enough: where the faults strike is chance. */
async function workload(
  rounds: number,
  isFenced: boolean,
  isEnough: (found: Findings) => boolean,
): Promise<Findings> {
  await using etcd = await startEtcd();
  await using observer = await connect(etcd.endpoint);
  const clients = await Promise.all(Array.from({ length: PROCESSES }, () => startClient(etcd)));
  const appends: Append[] = [];
  let done = 0;
  let found = await findings(observer.kvi, appends);
  const goesOn = (): boolean => done < rounds || (done < 5 * rounds && !isEnough(found));
  for (let wave = 0; goesOn(); wave++, done += AT_ONCE) {
    const lists = Array.from({ length: AT_ONCE }, (_, index) => `list-${done + index}`);
    const victim = wave % PROCESSES;
    const inTurn = [...clients.slice(victim), ...clients.slice(0, victim)];
    const takeOff = FAULTS[wave % FAULTS.length]!;
    appends.push(...(await appendsOf(observer.kvi, lists, inTurn, takeOff, isFenced)));
    found = await findings(observer.kvi, appends);
  }
  process.stdout.write(
    `Appends in ${done} rounds, ${isFenced ? 'through lock.kv' : 'through the handle'}: ` +
      `${found.acknowledged} acknowledged, ${found.refused} refused (${found.fenced} by the store alone), ` +
      `${found.lost.length} lost\n`,
  );
  return found;
}

describe('appends to lists under locks, by processes that are stopped or cut off past their leases', () => {
  it('are not lost once they are acknowledged, when they were written through lock.kv', async () => {
    const { fenced, lost, applied } = await workload(ROUNDS, true, ({ fenced: count }) => count > 0);
    expect({ lost, applied }).toEqual({ lost: [], applied: [] });
    expect(fenced).toBeGreaterThan(0);
  }, 900_000);

  it('are lost, some of them, when they were written without a fence', async () => {
    const { lost } = await workload(2 * AT_ONCE, false, (found) => found.lost.length > 0);
    expect(lost.length).toBeGreaterThan(0);
  }, 300_000);
});
