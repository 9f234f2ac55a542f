import { describe, expect, it } from '@jest/globals';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { connect } from '../etcd/support/connect.js';
import { type EtcdCluster, startCluster } from '../support/etcd/etcd-cluster.js';
import { poll } from '../support/etcd/poll.js';

const KILLS = 4;
const TIMEOUT_MS = 15_000;

/** Of each handle; each kind goes on by itself. */
const LOOPS_OF_A_KIND = 8;

/** Calls that follow each other without a pause, until they are told to stop. */
class Loop {
  calls = 0;
  readonly failures: unknown[] = [];
  readonly #done: Promise<void>;
  #isStopped = false;

  constructor(call: (number: number) => Promise<void>) {
    this.#done = this.#run(call);
  }

  /** Resolves when so many more have been answered. */
  async goesOn(count: number): Promise<void> {
    const end = this.calls + count;
    await poll('calls are answered', () => this.calls >= end || this.failures.length > 0 || undefined);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  async #run(call: (number: number) => Promise<void>): Promise<void> {
    while (!this.#isStopped && this.failures.length === 0) {
      try {
        await call(this.calls + 1);
        this.calls += 1;
      } catch (error) {
        this.failures.push(error);
      }
    }
  }
}

function begin(kvi: Kvi, handle: number): Loop[] {
  return Array.from({ length: LOOPS_OF_A_KIND }, (_, index) => {
    const key = (kind: string): string => `${kind}/${handle}/${index}`;
    const tas = async (number: number): Promise<void> => {
      const isFirst = number === 1;
      const done = isFirst
        ? await kvi.createIfAbsent(key('tas'), '1')
        : await kvi.tas(key('tas'), String(number - 1), String(number));
      // Nobody else writes it.
      if (!done) throw new Error(`${number} was not set`);
    };
    const read = async (): Promise<void> => {
      await kvi.get(key('tas'));
    };
    return [new Loop((number) => kvi.store(key('store'), String(number))), new Loop(tas), new Loop(read)];
  }).flat();
}

/** One handle whose first member is the leader at the beginning, and one for each of the others. */
function ordersOf(cluster: EtcdCluster): string[][] {
  const { endpoints } = cluster;
  return endpoints.map((_, first) => [...endpoints.slice(first), ...endpoints.slice(0, first)]);
}

describe('the leader of three that is killed under load', () => {
  it(`costs no call that has ${TIMEOUT_MS / 1000} s, be it a read or a write, and nothing that was acknowledged`, async () => {
    await using cluster = await startCluster();
    const connections = await Promise.all(
      ordersOf(cluster).map((endpoints) => connect(endpoints, { requestTimeoutMs: TIMEOUT_MS })),
    );
    const loops = connections.flatMap(({ kvi }, handle) => begin(kvi, handle));
    const allGoOn = (): Promise<unknown> => Promise.all(loops.map((loop) => loop.goesOn(10)));
    await allGoOn();
    for (let kill = 0; kill < KILLS; kill++) {
      const leader = await cluster.leader();
      await cluster.member(leader).kill();
      await allGoOn();
      await cluster.member(leader).restart();
      await allGoOn();
    }
    await Promise.all(loops.map((loop) => loop.stop()));
    const written = await connections[0]!.kvi.getPrefix('');
    await Promise.all(connections.map(({ kvi }) => kvi.close()));

    expect(loops.flatMap(({ failures }) => failures)).toEqual([]);
    const counts = loops.filter((_, index) => index % 3 < 2).map(({ calls }) => calls);
    expect(written.map(({ value }) => Number(value)).toSorted((a, b) => a - b)).toEqual(
      counts.toSorted((a, b) => a - b),
    );
  }, 120_000);
});
