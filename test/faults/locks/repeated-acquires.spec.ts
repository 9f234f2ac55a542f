import { describe, expect, it } from '@jest/globals';
import { type EtcdServer, startEtcd } from '../../support/etcd/etcd-server.js';
import {
  type Fate,
  type GrpcRequestProxy,
  startGrpcRequestProxy,
} from '../../support/etcd/grpc-request-proxy.js';
import { connect } from '../../etcd/support/connect.js';
import { queueOf, untilQueued } from '../../etcd/locks/support/queue.js';

/** More than a lock is held here, less than it takes until the locks are looked at. */
const LATE_MS = 1000;

/** Ways to use a lock that are over before a copy of the acquisition comes. */
interface Use {
  readonly timeoutSec: number | undefined;
  /** Another holds the lock meanwhile. */
  readonly isTaken: boolean;
}

/** A line to a member that repeats the next txn once it is told to. */
class RepeatingLine {
  #isArmed = false;

  readonly fates = (method: string): Fate => {
    if (!this.#isArmed || method !== '/etcdserverpb.KV/Txn') return { kind: 'passed' };
    this.#isArmed = false;
    return { kind: 'repeated', ms: LATE_MS };
  };

  repeatNextTxn(): void {
    this.#isArmed = true;
  }
}

async function stage(etcd: EtcdServer): Promise<{ line: RepeatingLine; proxy: GrpcRequestProxy }> {
  const line = new RepeatingLine();
  return { line, proxy: await startGrpcRequestProxy(etcd.ports.client, line.fates) };
}

describe('an acquisition whose copy arrives when it is over', () => {
  it.each<Use>([
    { timeoutSec: undefined, isTaken: false },
    { timeoutSec: 0, isTaken: false },
    { timeoutSec: 0, isTaken: true },
  ])(
    'keeps the lock from others for some seconds only, and is told (%j)',
    async ({ timeoutSec, isTaken }) => {
      await using etcd = await startEtcd();
      const { line, proxy } = await stage(etcd);
      await using repeating = proxy;
      await using caller = await connect(repeating.endpoint, { sessionTtlSec: 60 });
      await using other = await connect(etcd.endpoint);
      await (await caller.kvi.lock('warm-up')).release();

      const taken = isTaken ? await other.kvi.lock('jobs') : undefined;
      line.repeatNextTxn();
      const lock = await caller.kvi.lock('jobs', { timeoutSec }).catch(() => undefined);
      expect(lock === undefined).toBe(isTaken);
      await (lock ?? taken)!.release();
      // It has come: the lock has a key, and no holder.
      await untilQueued(other.kvi, 'jobs', 1);

      const next = await other.kvi.lock('jobs', { timeoutSec: 10 });
      expect(await queueOf(other.kvi, 'jobs')).toEqual([{ key: next.key, token: next.fencingToken }]);
      await caller.logger.line('warn', /'jobs' was held by nobody and has been freed/);
      expect(repeating.counts.repeated).toBe(1);
    },
  );
});
