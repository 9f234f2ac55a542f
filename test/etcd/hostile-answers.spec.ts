import { expect, it } from '@jest/globals';
import { openEtcdStore } from '../../lib/store/etcd/open-etcd-store.js';
import { startEtcd } from '../support/etcd/etcd-server.js';
import {
  type HostileReport,
  hostileRounds,
  hostileSeed,
  type Phase,
  runHostile,
} from '../support/hostile-run.js';
import { Dice } from '../support/random.mjs';
import { RecordingLogger } from '../support/recording-logger.js';
import { HARMLESS, type Malice, startHostileMember, WAYS } from './support/hostile-member.js';

const SCRIPT = new URL('support/hostile-answers.mjs', import.meta.url);
const ROUNDS = hostileRounds(7);

/** Two dozen calls at once, each tried again at most every 20 ms and slower each time, and the watches. */
const MOST_REQUESTS_A_SECOND = 600;

interface Entry {
  readonly key: string;
  readonly what: string;
  readonly told: 'applied' | 'not applied' | 'unknown';
  readonly error?: string;
}

type Report = HostileReport & { readonly journal: readonly Entry[] };

const METHODS = [/./, /KV/, /KV\/Txn/, /KV\/Range/, /Watch/, /Lease/, /LeaseKeepAlive/, /Maintenance|Lease/];

function maliceFrom(dice: Dice): Malice {
  return {
    share: dice.pick([10, 40, 100]),
    methods: dice.pick(METHODS),
    way: dice.percent(50) ? dice.pick(WAYS) : undefined,
  };
}

it(
  `whatever a server answers, every call ends in its time, by an answer or an error of ours that is true (HOSTILE_SEED=${hostileSeed})`,
  async () => {
    const etcd = await startEtcd();
    const dice = new Dice(hostileSeed);
    const member = await startHostileMember(etcd.ports.client, dice);
    const busiest: string[] = [];
    let malice = HARMLESS;
    const take = ({ phase }: Phase): void => {
      const requests = member.takeBusiestSecond();
      if (requests > MOST_REQUESTS_A_SECOND)
        busiest.push(`${requests} requests a second, ${describe(malice)}`);
      if (phase === 'open') malice = maliceFrom(dice);
      member.malice = phase === 'over' || (phase === 'open' && dice.percent(70)) ? HARMLESS : malice;
    };
    const settings = { seed: hostileSeed, rounds: ROUNDS, endpoint: member.endpoint };
    const report = await runHostile<Report>(SCRIPT, settings, 30_000 + ROUNDS * 10_000, take);
    expect(report.failures).toEqual([]);
    expect(busiest).toEqual([]);
    expect(await liesIn(report.journal, etcd.endpoint)).toEqual([]);
    expect(report.counts['all']).toBeGreaterThan(ROUNDS);
  },
  60_000 + ROUNDS * 10_000,
);

function describe({ share, methods, way }: Malice): string {
  return `${share} % of ${methods.source}, ${way ?? 'any way'}`;
}

/** What was said of a write, and is not so. */
async function liesIn(journal: readonly Entry[], endpoint: string): Promise<Entry[]> {
  const options = { connectTimeoutMs: 5000, requestTimeoutMs: 5000, logger: new RecordingLogger() };
  const store = await openEtcdStore([endpoint], options);
  const { kvs } = await store.range({ key: 'hostile/', rangeEnd: 'hostile0' });
  await store.close();
  const keys = new Set(kvs.map(({ key }) => key));
  return journal.filter(({ key, told }) => told !== 'unknown' && keys.has(key) !== (told === 'applied'));
}
