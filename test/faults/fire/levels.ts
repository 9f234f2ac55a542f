import { setTimeout as delay } from 'node:timers/promises';
import type { Measured } from './client-process.js';
import { insistOnCtl } from './insist.js';
import type { Stage } from './stage.js';

/** How much there is of what must not grow, at a moment without faults. */
export interface Levels {
  /** Of each run of a process. */
  readonly processes: ReadonlyMap<string, Measured>;
  /** On all members. */
  readonly watchers: number;
  readonly leases: number;
  readonly keys: number;
}

/** Each process has one connection to a member, to as many as it has needed. */
const SOCKETS = 3;
/** Whoever leads, or tries again, has some more. */
const TIMERS = 5;
/** Applications go on: locks of jobs are held and waited for, and what is lost on a busy machine is got again. */
const WATCHERS = 5;
const LEASES = 3;
/** What a collector leaves behind differs from one time to the next. */
const HEAP_FACTOR = 1.3;
const HEAP_BYTES = 4 * 1024 * 1024;
/** Keys come and go with the work; those that stay would be more at the end of every minute. */
const KEYS_FACTOR = 1.5;

/** Locks that are still waited for, and deletions that are under way, are over by then. */
const CALM_MS = 6000;
/** Whatever goes on in calm times, as the jobs of applications do, is not there in all of so many moments. */
const LOOKS = 5;
const BETWEEN_LOOKS_MS = 200;

/** Lets the work of all rest for some seconds, counts what is left, and lets it go on. */
export async function measure(stage: Stage): Promise<Levels> {
  for (const process of stage.everybody) process.calm(true);
  await delay(CALM_MS);
  const looks: Levels[] = [];
  for (let look = 0; look < LOOKS; look++) {
    looks.push(await lookAt(stage));
    await delay(BETWEEN_LOOKS_MS);
  }
  for (const process of stage.everybody) process.calm(false);
  const least = (of: (levels: Levels) => number): number => Math.min(...looks.map(of));
  return {
    processes: new Map([...looks[0]!.processes.keys()].map((name) => [name, leastOf(name, looks)])),
    watchers: least(({ watchers }) => watchers),
    leases: least(({ leases }) => leases),
    keys: least(({ keys }) => keys),
  };
}

function leastOf(process: string, looks: readonly Levels[]): Measured {
  const least = (of: (measured: Measured) => number): number =>
    Math.min(...looks.map(({ processes }) => of(processes.get(process)!)));
  return {
    heapUsed: least(({ heapUsed }) => heapUsed),
    sockets: least(({ sockets }) => sockets),
    timers: least(({ timers }) => timers),
  };
}

async function lookAt(stage: Stage): Promise<Levels> {
  const { cluster, everybody } = stage;
  const metrics = await Promise.all(cluster.members.map((member) => member.metrics()));
  const processes = await Promise.all(
    everybody.map(async (process): Promise<[string, Measured]> => [process.name, await process.measure()]),
  );
  const leases = (await insistOnCtl(stage, ['lease', 'list'])).match(/^[0-9a-f]{16}$/gm) ?? [];
  const keys = await insistOnCtl(stage, ['get', '', '--from-key', '--count-only', '-w', 'fields']);
  return {
    processes: new Map(processes),
    watchers: metrics.reduce((sum, of) => sum + of.sum('etcd_debugging_mvcc_watcher_total'), 0),
    leases: leases.length,
    keys: Number(/"Count" : (\d+)/.exec(keys)![1]),
  };
}

/** In words: what was more at the end than at the beginning. Processes that have not seen both are only counted. */
export function growth(before: Levels, after: Levels): string[] {
  const grown = (what: string, from: number, to: number, most: number): string[] =>
    to > most ? [`${what}: ${to}, from ${from}`] : [];
  const ofProcesses = [...before.processes].flatMap(([name, from]) => {
    const to = after.processes.get(name);
    if (to === undefined) return [];
    return [
      ...grown(`heap of ${name}`, from.heapUsed, to.heapUsed, from.heapUsed * HEAP_FACTOR + HEAP_BYTES),
      ...grown(`sockets of ${name}`, from.sockets, to.sockets, SOCKETS),
      ...grown(`timers of ${name}`, from.timers, to.timers, from.timers + TIMERS),
    ];
  });
  return [
    ...ofProcesses,
    ...grown('watchers', before.watchers, after.watchers, before.watchers + WATCHERS),
    ...grown('leases', before.leases, after.leases, before.leases + LEASES),
    ...grown('keys', before.keys, after.keys, before.keys * KEYS_FACTOR),
  ];
}
