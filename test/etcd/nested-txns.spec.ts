import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { openEtcdStore } from '../../lib/store/etcd/open-etcd-store.js';
import { HmEtcdError, InvalidArgumentError, OutcomeUnknownError } from '../../lib/store/errors.js';
import { MemoryDatabase } from '../../lib/store/memory/database.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import type { LeaseId, Store, Watch } from '../../lib/store/store.js';
import { type TxnPlan, txnAt, txns } from '../store/memory/histories.js';
import { OVERLAPPING, SEPARATE } from '../store/memory/overlaps.js';
import { etcdBinary, OLD_SUITE } from '../support/etcd/etcd-binary.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { startProxy } from '../support/etcd/tcp-proxy.js';
import { RecordingLogger } from '../support/recording-logger.js';

const OPTIONS = { connectTimeoutMs: 5000, requestTimeoutMs: 5000, logger: new RecordingLogger() };
const ALL = { key: '\0', rangeEnd: '\0' };

/**
 * Not of chance: etcd 3.5.16 ends itself ("range failed to find revision pair") after some histories in which one
 * transaction has put and deleted one key, by what its check overlooks, and which were then compacted: 1105453694 is one.
 */
const SEED = Number(process.env.NESTED_TXNS_SEED ?? 1);

/** So many that no transaction asks for a revision before the first. */
const FIRST_WRITES = 10;

/** One of the two stores that are driven through the same transactions. */
class Side {
  readonly #store: Store;
  readonly #compact: (revision: number) => unknown;
  readonly #leases: LeaseId[] = [];
  #watch: Watch | undefined;
  #revision = 0;

  constructor(store: Store, compact: (revision: number) => unknown) {
    this.#store = store;
    this.#compact = compact;
  }

  async begin(): Promise<void> {
    for (const ttlSec of [600, 700]) this.#leases.push((await this.#store.leaseGrant(ttlSec)).id);
    for (let write = 0; write < FIRST_WRITES; write++) {
      const { revision } = await this.#store.txn({ success: [{ type: 'put', key: 'a', value: '1' }] });
      this.#revision = revision;
    }
    this.#watch = await this.#store.watch({ ...ALL, afterRevision: this.#revision });
  }

  /** After a write: a store does not compact twice at one revision. */
  async compact(): Promise<void> {
    await this.do({ compare: [], success: [{ type: 'put', key: 'a', value: '1' }], failure: [] });
    await this.#compact(this.#revision - 3);
  }

  /** What a transaction answered or threw, and what a watcher was told of it. */
  async do(plan: TxnPlan): Promise<unknown> {
    const request = txnAt(plan, { revision: this.#revision, leases: this.#leases });
    try {
      const answer = await this.#store.txn(request);
      const told = answer.revision > this.#revision ? await this.#watch!.next() : undefined;
      this.#revision = answer.revision;
      return this.#comparable({ answer, told });
    } catch (error) {
      if (!(error instanceof HmEtcdError)) throw error;
      return error.name;
    }
  }

  async all(): Promise<unknown> {
    return this.#comparable(await this.#store.range(ALL));
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** Leases are named as each store likes: here they are called by their order. */
  #comparable(answer: unknown): unknown {
    return JSON.parse(
      JSON.stringify(answer, (name, value: unknown) =>
        name === 'lease' && value !== '' ? this.#leases.indexOf(value as LeaseId) : value,
      ),
    );
  }
}

describe.each(['the etcd under test', OLD_SUITE])('nested txns on %s', (suite) => {
  let server: EtcdServer;
  let store: Store;
  let etcd: Side;
  let memory: Side;
  beforeAll(async () => {
    server = await startEtcd({ binary: await etcdBinary(suite === OLD_SUITE ? suite : undefined) });
    store = await openEtcdStore([server.endpoint], OPTIONS);
    const database = new MemoryDatabase();
    etcd = new Side(store, (revision) => server.ctl('compact', String(revision)));
    memory = new Side(new MemoryStore(database), (revision) => database.compact(revision));
    await Promise.all([etcd.begin(), memory.begin()]);
  }, 30_000);
  afterAll(async () => {
    await etcd.close();
    await memory.close();
    await server.stop();
  });

  it('are answered, told of and refused as by the memory store', async () => {
    const property = fc.asyncProperty(
      fc.array(txns, { minLength: 20, maxLength: 20, size: 'max' }),
      async (plans) => {
        await Promise.all([etcd.compact(), memory.compact()]);
        for (const plan of plans) {
          const [answer, expected] = [await etcd.do(plan), await memory.do(plan)];
          expect({ answer, plan }).toEqual({ answer: expected, plan });
        }
        expect(await etcd.all()).toEqual(await memory.all());
      },
    );
    // The stores go on from run to run, so that a failed one cannot be tried again with less.
    await fc.assert(property, { seed: SEED, numRuns: 12, endOnFailure: true });
  }, 60_000);

  it('are not repeated when their answer is lost', async () => {
    await using proxy = await startProxy(server.ports.client);
    const proxied = await openEtcdStore([proxy.endpoint], OPTIONS);
    const key = 'once';
    void proxy.dropNextResponse();
    const write = proxied.txn({ success: [{ type: 'txn', success: [{ type: 'put', key, value: '' }] }] });
    await expect(write).rejects.toBeInstanceOf(OutcomeUnknownError);
    await proxied.close();
    expect((await store.range({ key })).kvs).toMatchObject([{ key, version: 1 }]);
  });

  it.each(OVERLAPPING)('are refused with %s', async (_, branch) => {
    await expect(store.txn({ success: branch })).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(store.txn({ failure: branch })).rejects.toBeInstanceOf(InvalidArgumentError);
  });

  it.each(SEPARATE)('pass with %s', async (_, branch) => {
    await expect(store.txn({ success: branch, failure: branch })).resolves.toMatchObject({ succeeded: true });
  });
});
