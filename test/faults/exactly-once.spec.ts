import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { KeyChange } from '../../lib/kvi/key-change.js';
import { prefixSpan } from '../../lib/store/key-span.js';
import { openEtcdStore } from '../../lib/store/etcd/open-etcd-store.js';
import type { KeyRecord } from '../../lib/store/store.js';
import { connect } from '../etcd/support/connect.js';
import { Follower } from '../etcd/support/follower.js';
import { type EtcdCluster, startCluster } from '../support/etcd/etcd-cluster.js';
import {
  type Fate,
  type GrpcRequestProxy,
  startGrpcRequestProxy,
} from '../support/etcd/grpc-request-proxy.js';
import { temporaryFolder } from '../support/etcd/temporary-folder.js';
import { Dice } from '../support/random.mjs';
import { RecordingLogger } from '../support/recording-logger.js';
import { moveLeader } from './fire/move-leader.js';
import { Weather } from './fire/weather.js';
import { discrepancies, isUndecided } from './support/audit.js';
import { type JournalEntry, WritingProcess } from './support/writing-process.js';

/** With 20000 it takes some minutes. */
const WRITES = Number(process.env.EXACTLY_ONCE_OPS ?? 2000);
const SEED = Number(process.env.EXACTLY_ONCE_SEED ?? 1);

const PROCESSES = 4;
const CLIENTS_OF_PROCESS = 2;

/** The first of the processes: these give up soon, and are killed. */
const HASTY = 2;
const HASTY_MS = 2000;
const PATIENT_MS = 15_000;

/** Of 100 requests, as many as that are lost, as many have their answer lost, and so on. */
const EACH_OF_100 = 3;

/** Kills members and clients, moves the leader and lets storms come that end sessions, one after the other, until the clients are done. */
class Adversary {
  readonly happened: string[] = [];
  readonly #cluster: EtcdCluster;
  readonly #mortal: readonly WritingProcess[];
  readonly #weather: Weather;
  readonly #dice: Dice;

  constructor(cluster: EtcdCluster, mortal: readonly WritingProcess[], weather: Weather, dice: Dice) {
    this.#cluster = cluster;
    this.#weather = weather;
    this.#mortal = mortal;
    this.#dice = dice;
  }

  async run(isDone: () => boolean): Promise<void> {
    const acts: readonly (() => void | Promise<void>)[] = [
      () => this.#killMember(true),
      () => this.#killClient(),
      () => this.#storm(),
      () => this.#moveLeader(),
      () => this.#killMember(false),
      () => this.#killClient(),
    ];
    for (let act = 0; !isDone(); act++) {
      await delay(500 + this.#dice.below(2000));
      if (!isDone()) await acts[act % acts.length]!();
    }
  }

  async #killMember(isLeader: boolean): Promise<void> {
    const leader = await this.#cluster.leader();
    const member = isLeader ? leader : this.#dice.pick(await this.#cluster.followers());
    await this.#cluster.member(member).kill();
    this.happened.push(isLeader ? 'leader killed' : 'follower killed');
    await delay(this.#dice.below(2000));
    await this.#cluster.member(member).restart();
  }

  async #moveLeader(): Promise<void> {
    const cluster = this.#cluster;
    const ctl = (member: number, ...args: string[]): Promise<string> => cluster.member(member).ctl(...args);
    await moveLeader({ cluster, ctl }, this.#dice.pick(await cluster.followers()));
    this.happened.push('leader moved');
  }

  /** What is sent in it arrives under a session that may be over. */
  async #storm(): Promise<void> {
    this.#weather.isStormy = true;
    await delay(1000 + this.#dice.below(2000));
    await this.#endSessions();
    this.#weather.isStormy = false;
    this.happened.push('storm');
  }

  async #endSessions(): Promise<void> {
    const { members } = this.#cluster;
    const [, ...leases] = (await members[0]!.ctl('lease', 'list')).trim().split('\n');
    // One may have expired meanwhile.
    await Promise.allSettled(leases.map((lease) => members[0]!.ctl('lease', 'revoke', lease)));
  }

  #killClient(): void {
    this.#dice.pick(this.#mortal).kill();
    this.happened.push('client killed');
  }
}

async function startProcesses(proxies: readonly GrpcRequestProxy[]): Promise<WritingProcess[]> {
  const folder = await temporaryFolder('journals');
  return Array.from({ length: PROCESSES }, (_, number) => {
    const first = number % proxies.length;
    const inTurn = [...proxies.slice(first), ...proxies.slice(0, first)];
    return new WritingProcess({
      endpoints: inTurn.map(({ endpoint }) => endpoint),
      journal: join(folder, `${number}.jsonl`),
      clients: Array.from({ length: CLIENTS_OF_PROCESS }, (__, client) => `${number}-${client}`),
      count: WRITES / PROCESSES,
      requestTimeoutMs: number < HASTY ? HASTY_MS : PATIENT_MS,
    });
  });
}

async function historyOf(cluster: EtcdCluster): Promise<readonly KeyChange[]> {
  await using connection = await connect(cluster.member(0).endpoint);
  await using follower = new Follower(connection.kvi, { prefix: 'data/' });
  await connection.kvi.store('data/end', '');
  await follower.reached('data/end', 60_000);
  return follower.changes.slice(0, -1);
}

async function recordsOf(cluster: EtcdCluster): Promise<readonly KeyRecord[]> {
  const store = await openEtcdStore([cluster.member(0).endpoint], {
    connectTimeoutMs: 5000,
    requestTimeoutMs: 5000,
    logger: new RecordingLogger(),
  });
  try {
    const { kvs } = await store.range(prefixSpan('data/'));
    return kvs.filter(({ key }) => key !== 'data/end');
  } finally {
    await store.close();
  }
}

function tell(
  entries: readonly JournalEntry[],
  proxies: readonly GrpcRequestProxy[],
  happened: readonly string[],
): void {
  const told = { true: 0, false: 0, 'not applied': 0, unknown: 0, 'never told': 0 };
  for (const entry of entries) told[entry.told ?? 'never told'] += 1;
  const counts = Object.fromEntries(
    Object.keys(proxies[0]!.counts).map((kind) => [
      kind,
      proxies.reduce((sum, proxy) => sum + proxy.counts[kind as Fate['kind']], 0),
    ]),
  );
  process.stdout.write(
    `${entries.length} writes (seed ${SEED}): ${JSON.stringify(told)}; requests: ${JSON.stringify(counts)}; ${happened.join(', ')}\n`,
  );
}

describe(`${WRITES} writes by ${PROCESSES * CLIENTS_OF_PROCESS} clients`, () => {
  it(
    'are applied once each, while requests are lost, late and repeated, and members and clients are killed',
    async () => {
      const dice = new Dice(SEED);
      const weather = new Weather(new Dice(SEED), EACH_OF_100);
      await using cluster = await startCluster();
      const proxies = await Promise.all(
        cluster.members.map(({ ports }) =>
          startGrpcRequestProxy(ports.client, (method) => weather.fateOf(method)),
        ),
      );
      const processes = await startProcesses(proxies);
      let isDone = false;
      const done = Promise.all(processes.map((writing) => writing.done)).finally(() => (isDone = true));
      const adversary = new Adversary(cluster, processes.slice(0, HASTY), weather, dice);
      const adversity = adversary.run(() => isDone);
      try {
        await Promise.all([done, adversity]);
      } finally {
        // Neither may go on while the cluster is taken away.
        await Promise.allSettled([done, adversity]);
      }
      await Promise.all(proxies.map((proxy) => proxy.idle()));
      const journals = await Promise.all(processes.map((writing) => writing.journal()));
      const history = await historyOf(cluster);
      const records = await recordsOf(cluster);
      tell(journals.flat(), proxies, adversary.happened);

      expect(discrepancies({ journals, history, records })).toEqual([]);
      expect(journals.flat().length).toBeGreaterThanOrEqual(WRITES);
      expect(history.length).toBeGreaterThan(WRITES / 4);
      // Whoever has time, and is not killed, is told what became of its writes, but for those of a session that ended.
      expect(journals.slice(HASTY).flat().filter(isUndecided).length).toBeLessThan(WRITES / 20);
    },
    60_000 + WRITES * 50,
  );
});
