import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { machineMs } from '../support/machine-ms.js';
import { isPunctual, LATE_MS } from './checkers/once-per-tick.js';
import { Replicas, type Run } from '../etcd/support/replicas.js';

const TICKS = 30;
const SKIP = { onTimeout: 'skip' } as const;
const MIN_HOLD_SEC = 0.5;

const CLOCKS_EQUAL = [0, 0, 0];
const CLOCKS_40_MS_APART = [80, 40, 0];
/** Further than a run takes, also on a busy machine. */
const CLOCKS_200_MS_APART = [400, 200, 0];

/** For processes that have just started, and for the first use of their connections. */
const WARM_UP_TICKS = 3;

/** Well below the distance of the clocks. */
const SHORT_JOB_MS = 20;

/** Runs that began before the one before them had ended, or with a token that is not larger. */
function overlaps(runs: readonly Run[]): Run[] {
  const inOrder = runs.toSorted((a, b) => a.beganAtMs - b.beganAtMs);
  return inOrder.filter((run, index) => {
    const before = inOrder[index - 1];
    return before !== undefined && !(run.beganAtMs > before.endedAtMs! && run.token > before.token);
  });
}

/** How often each of the seconds was run for. */
function runsOfTicks(runs: readonly Run[], firstTick: number, count: number): number[] {
  const ticks = Array.from({ length: count }, (_, index) => firstTick + index);
  return ticks.map((tick) => runs.filter((run) => run.tick === tick).length);
}

/** Of the seconds that were not run for exactly once, those in which nobody was late. */
function notOnce(runs: readonly Run[], firstTick: number, count: number): object[] {
  const isClear = isPunctual(runs);
  return runsOfTicks(runs, firstTick, count)
    .map((times, index) => ({ tick: firstTick + index, times }))
    .filter(({ tick, times }) => times !== 1 && isClear(tick));
}

/** How many of the seconds were run for in time. */
function inTime(runs: readonly Run[], firstTick: number, count: number): number {
  const punctual = runs.filter(({ lateMs }) => lateMs <= LATE_MS);
  return runsOfTicks(punctual, firstTick, count).filter((times) => times > 0).length;
}

describe(`three replicas with a job for every second, over ${TICKS} seconds`, () => {
  let etcd: EtcdServer;
  let plain: Replicas;
  let once: Replicas;
  let onceApart: Replicas;
  let firstTick: number;

  /** Side by side, each on a lock of its own. */
  beforeAll(async () => {
    etcd = await startEtcd();
    const job = { endpoint: etcd.endpoint, jobMs: SHORT_JOB_MS };
    const minHold = { ...SKIP, minHoldSec: MIN_HOLD_SEC };
    plain = new Replicas({ ...job, options: { ...SKIP, name: 'plain' } }, CLOCKS_200_MS_APART);
    once = new Replicas({ ...job, options: { ...minHold, name: 'once' } }, CLOCKS_EQUAL);
    onceApart = new Replicas({ ...job, options: { ...minHold, name: 'once-apart' } }, CLOCKS_40_MS_APART);
    const all = [plain, once, onceApart];
    firstTick = Math.max(...(await Promise.all(all.map((replicas) => replicas.up())))) + WARM_UP_TICKS;
    const isAfter = ({ tick }: Run): boolean => tick >= firstTick + TICKS;
    await Promise.all(all.map((replicas) => replicas.ran('after the last tick', isAfter, 60_000)));
    await Promise.all(all.map((replicas) => replicas[Symbol.asyncDispose]()));
  }, 300_000);

  afterAll(async () => {
    await Promise.all([plain, once, onceApart].map((replicas) => replicas[Symbol.asyncDispose]()));
    await etcd.stop();
  });

  it("never run it twice at once with { onTimeout: 'skip' }", () => {
    for (const { runs } of [plain, once, onceApart]) {
      expect(runs.length).toBeGreaterThanOrEqual(TICKS);
      expect(overlaps(runs)).toEqual([]);
    }
  });

  it('run it again for a tick that has been run when their clocks are 200 ms apart', () => {
    const runs = runsOfTicks(plain.runs, firstTick, TICKS);
    expect(runs.filter((count) => count > 1).length).toBeGreaterThan(TICKS / 2);
  });

  it('run it once for each tick with minHoldSec', () => {
    expect(notOnce(once.runs, firstTick, TICKS)).toEqual([]);
    expect(inTime(once.runs, firstTick, TICKS)).toBeGreaterThan(TICKS / 2);
  });

  it('run it once for each tick with minHoldSec also when their clocks are 40 ms apart', () => {
    expect(notOnce(onceApart.runs, firstTick, TICKS)).toEqual([]);
    expect(inTime(onceApart.runs, firstTick, TICKS)).toBeGreaterThan(TICKS / 2);
  });
});

describe('when the replica that holds the lock is killed', () => {
  const TTL_SEC = 2;
  /** etcd ends a lease up to half a second late, and a tick is a second. */
  const WITHIN_SEC = TTL_SEC + 4;
  const TICKS_AFTER = 4;

  it.each([
    ['inside a run', 500, (run: Run) => run.endedAtMs === undefined],
    ['after a run, before minHoldSec is over', 20, (run: Run) => run.endedAtMs !== undefined],
  ])(
    `%s, ticks go on within ${WITHIN_SEC} s, each once`,
    async (_when, jobMs, isMoment) => {
      await using etcd = await startEtcd();
      const options = { ...SKIP, name: 'job', minHoldSec: MIN_HOLD_SEC };
      const job = { endpoint: etcd.endpoint, jobMs, options, sessionTtlSec: TTL_SEC };
      await using replicas = new Replicas(job, CLOCKS_40_MS_APART);
      const firstTick = (await replicas.up()) + WARM_UP_TICKS;
      const last = await replicas.ran('to kill', (run) => run.tick >= firstTick && isMoment(run), 30_000);
      await replicas.kill(last.replica);
      const killedAtMs = machineMs();
      const keys = await etcd.ctl('get', 'job/', '--prefix', '-w', 'fields');
      const next = await replicas.ran('after the kill', ({ token }) => token > last.token, 30_000);
      await replicas.ran('some ticks later', ({ tick }) => tick >= next.tick + TICKS_AFTER, 30_000);

      expect(isMoment(last)).toBe(true);
      expect(keys).toContain(`"CreateRevision" : ${last.token}\n`);
      expect(next.replica).not.toBe(last.replica);
      expect(next.beganAtMs).toBeGreaterThan(killedAtMs);
      expect(next.beganAtMs - killedAtMs).toBeLessThan(WITHIN_SEC * 1000);
      expect(notOnce(replicas.runs, next.tick, TICKS_AFTER)).toEqual([]);
      expect(overlaps(replicas.runs.filter((run) => run !== last))).toEqual([]);
    },
    240_000,
  );
});
