import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { EtcdStore } from '../../lib/store/etcd/etcd-store.js';
import { MemoryDatabase } from '../../lib/store/memory/database.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import { etcdBinary, OLD_SUITE } from '../support/etcd/etcd-binary.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { duel } from './support/duel.js';
import { type PortStep, portSequences, writerSequences } from './support/port-sequences.js';
import { ALL, type Backend, PortSide } from './support/port-side.js';
import { WriterSide } from './support/writer-side.js';

/** On each etcd. With 100000 it takes some minutes. */
const OPERATIONS = Number(process.env.DIFFERENTIAL_OPS ?? 5000);
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);

/** Of all operations, those that go through a writer that records them. */
const WRITER_SHARE = 0.2;

const LONGEST_SEQUENCE = 200;
const LONGEST_WRITER_SEQUENCE = 30;

/** So many sequences come from one seed. */
const ROUND = 10;

/** For one round, and for making a sequence that failed shorter. */
const SHRINK_MS = 60_000;

const TIME_LIMIT_MS = SHRINK_MS + 120_000 + OPERATIONS * 10;

/** What any run comes across. */
const REFUSALS = [
  'txn: InvalidArgumentError',
  'txn: LeaseNotFoundError',
  'txn: CompactedError',
  'write: InvalidArgumentError',
  'range: InvalidArgumentError',
  'range: CompactedError',
  'grant and revoke: InvalidArgumentError',
  'compact: InvalidArgumentError',
  'watch: InvalidArgumentError',
];

/** What a lease gets at the least follows from it, and the memory store grants what etcd does by default. */
const DEFAULT_RAFT = ['--heartbeat-interval=100', '--election-timeout=1000'];

const OPTIONS = { connectTimeoutMs: 5000, requestTimeoutMs: 5000, logger: new RecordingLogger() };

/** What is compacted a watch has to be told by the server, not by another watch of its connection. */
const SETTLED_BEFORE = new Set<PortStep['do']>(['compact', 'cancel']);

function memoryBackend(): Backend {
  const database = new MemoryDatabase();
  return {
    store: new MemoryStore(database),
    other: new MemoryStore(database),
    compact: async (revision) => database.compact(revision),
  };
}

function etcdBackend({ endpoint }: EtcdServer): Backend & { readonly store: EtcdStore } {
  const store = new EtcdStore([endpoint], OPTIONS);
  return {
    store,
    other: new EtcdStore([endpoint], OPTIONS),
    async compact(revision) {
      const payload = { revision, physical: true };
      await store.calls.run({
        service: 'KV',
        method: 'compact',
        payload,
        what: 'Compacting',
        isRepeatable: true,
        read: () => {},
      });
    },
  };
}

describe.each(['the etcd under test', OLD_SUITE])('the memory store and %s', (suite) => {
  let server: EtcdServer;
  let etcd: Backend;

  beforeAll(async () => {
    const binary = await etcdBinary(suite === OLD_SUITE ? suite : undefined);
    server = await startEtcd({ binary, args: DEFAULT_RAFT });
    etcd = etcdBackend(server);
  });

  afterAll(async () => {
    await Promise.all([etcd.store.close(), etcd.other.close()]);
    await server.stop();
  });

  /** Runs random sequences until they have come to that many operations. */
  async function compareUpTo<Step>(
    operations: number,
    sequences: fc.Arbitrary<Step[]>,
    countOf: (step: Step) => number,
    run: (memory: Backend, steps: readonly Step[]) => Promise<void>,
  ): Promise<number> {
    const done = { operations: 0 };
    const property = fc.asyncProperty(sequences, async (steps) => {
      await run(memoryBackend(), steps);
      done.operations += steps.reduce((sum, step) => sum + countOf(step), 0);
    });
    for (let seed = SEED; done.operations < operations; seed++) {
      await fc.assert(property, {
        seed,
        numRuns: ROUND,
        unbiased: true,
        includeErrorInReport: true,
        interruptAfterTimeLimit: SHRINK_MS,
      });
    }
    process.stdout.write(
      `etcd ${server.version}: ${done.operations} operations the same, from seed ${SEED} on\n`,
    );
    return done.operations;
  }

  it('show the same from the first revision on', async () => {
    const first = async ({ store }: Backend): Promise<unknown> => {
      const watch = await store.watch({ ...ALL, afterRevision: 0 });
      const before = await store.range({ ...ALL, revision: 1 });
      const { revision } = await store.txn({ success: [{ type: 'put', key: 'a', value: '1' }] });
      const told = await watch.next();
      watch.cancel();
      return { before, revision, told };
    };
    const [expected, answer] = [await first(memoryBackend()), await first(etcd)];
    expect(answer).toEqual(expected);
  });

  it(
    'answer, refuse and tell the same',
    async () => {
      let told = 0;
      const refusals = new Set<string>();
      const done = await compareUpTo(
        OPERATIONS * (1 - WRITER_SHARE),
        portSequences(LONGEST_SEQUENCE),
        () => 1,
        async (memory, steps) => {
          const side = await PortSide.begin(memory);
          await duel(side, await PortSide.begin(etcd), steps, SETTLED_BEFORE);
          told += side.told;
          side.refusals.forEach((refusal) => refusals.add(refusal));
        },
      );

      expect([...refusals]).toEqual(expect.arrayContaining(REFUSALS));
      expect(told).toBeGreaterThan(done / 2);
    },
    TIME_LIMIT_MS,
  );

  it(
    'come to the same by writers that record what they do',
    async () => {
      const comparing = compareUpTo(
        OPERATIONS * WRITER_SHARE,
        writerSequences(LONGEST_WRITER_SEQUENCE),
        (step) => (step.do === 'write' ? step.plans.length : 1),
        async (memory, steps) => duel(await WriterSide.begin(memory), await WriterSide.begin(etcd), steps),
      );
      await expect(comparing).resolves.toBeGreaterThan(0);
    },
    TIME_LIMIT_MS,
  );
});
