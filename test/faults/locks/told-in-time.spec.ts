import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { type EtcdServer, startEtcd } from '../../support/etcd/etcd-server.js';
import { startProxy, type TcpProxy } from '../../support/etcd/tcp-proxy.js';
import { machineMs } from '../../support/machine-ms.js';
import { Random } from '../../support/erratic-store.js';
import { type Connection, connect } from '../../etcd/support/connect.js';
import { report } from '../../etcd/locks/support/figures.js';
import { type Interval, Locker } from '../../etcd/locks/support/locker.js';
import { untilQueued } from '../../etcd/locks/support/queue.js';
import { runTrials, TRIALS } from '../../etcd/locks/support/trials.js';

const AT_ONCE = 20;

/** What becomes of the holder's line until it is cut without a word. */
interface Decline {
  readonly of: string;
  readonly ttlSec: number;
  readonly begin: (line: TcpProxy, random: Random) => Promise<void>;
}

const keepAliveMs = (ttlSec: number): number => (ttlSec * 1000) / 3;

/** The shortest session there is; etcd grants it as asked for. The line is cut anywhere between two keep-alives. */
const SUDDEN: Decline = {
  of: 'a holder whose line is cut',
  ttlSec: 2,
  begin: (_, random) => delay(random.next() * keepAliveMs(2)),
};

/** Of a keep-alive and of what confirms it, each there and back. An answer that takes longer than 1.5 s is none. */
const [SHORTEST_MS, LONGEST_MS] = [550, 650];
const WAYS = 4;
/** After the first keep-alive is confirmed and before the next. */
const CUT_WITHIN_MS = 1000;

/** Whoever counts from the answer to a keep-alive takes its lease to last longer than it does. */
const SLOW: Decline = {
  of: 'a holder to whom the last answer to a keep-alive came late',
  ttlSec: 5,
  async begin(line, random) {
    const ms = SHORTEST_MS + random.below(LONGEST_MS - SHORTEST_MS);
    line.delay(ms);
    await delay(keepAliveMs(5) + WAYS * ms + random.below(CUT_WITHIN_MS));
  },
};

interface Stage {
  readonly etcd: EtcdServer;
  readonly observer: Connection;
  readonly holder: Locker;
  readonly waiter: Locker;
  /** The waiter's one handle. */
  readonly waiting: number;
  readonly random: Random;
}

interface Trial extends Interval {
  /** How long before the grant of another process, which is its end, the holder's signal aborted. */
  readonly headStartMs: number;
}

/** Nothing where the holder lost the lock before its line was cut: on a busy machine its lease is short. */
async function trial(stage: Stage, name: string, { ttlSec, begin }: Decline): Promise<Trial | undefined> {
  const { etcd, observer, holder, waiter, waiting, random } = stage;
  await using line = await startProxy(etcd.ports.client);
  const holding = await holder.open(line.endpoint, { sessionTtlSec: ttlSec });
  await holder.lock(holding, name);
  const granted = waiter.lock(waiting, name);
  await Promise.race([untilQueued(observer.kvi, name, 2).catch(() => {}), granted]);
  await begin(line, random);
  const from = machineMs();
  await line.swallow();
  const [abortedAt, { grantedAt: to }] = await Promise.all([holder.abortedAt(name), granted]);
  await line.pass();
  await Promise.all([holder.close(holding), waiter.release(name)]);
  return to < from ? undefined : { from, to, headStartMs: to - abortedAt };
}

describe.each([SUDDEN, SLOW])('$of, without a word while another process waits', (decline) => {
  it('is told each time before the other is granted the lock', async () => {
    await using etcd = await startEtcd();
    await using observer = await connect(etcd.endpoint);
    await using holder = new Locker();
    await using waiter = new Locker();
    const waiting = await waiter.open(etcd.endpoint);
    const stage = { etcd, observer, holder, waiter, waiting, random: new Random(1) };
    const all = await runTrials(AT_ONCE, (number) => trial(stage, `lock-${number}`, decline));

    // A process that does not run tells nothing.
    const gaps = await holder.gaps();
    const ranAllTheTime = ({ from, to }: Interval): boolean =>
      gaps.every((gap) => gap.to <= from || to <= gap.from);
    const headStarts = all.flatMap((one) =>
      one !== undefined && ranAllTheTime(one) ? [one.headStartMs] : [],
    );
    report(`From the abort of the signal of ${decline.of} to the grant of the other`, headStarts);
    expect(headStarts.filter((ms) => !(ms > 0))).toEqual([]);
    expect(headStarts.length).toBeGreaterThan(TRIALS / 2);
  }, 600_000);
});
