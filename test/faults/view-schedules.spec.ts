import { afterAll, beforeAll, expect, it } from '@jest/globals';
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { openEtcdStore } from '../../lib/store/etcd/open-etcd-store.js';
import { HmEtcdError } from '../../lib/store/errors.js';
import { prefixSpan } from '../../lib/store/key-span.js';
import type { LeaseId, Operation, Store, Watch } from '../../lib/store/store.js';
import { CheckedChanges } from '../support/checked-changes.js';
import { CheckedView } from '../support/checked-view.js';
import { Random } from '../support/erratic-store.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';
import { startProxy, type TcpProxy } from '../support/etcd/tcp-proxy.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { StoreRecord } from '../support/store-record.js';
import { connect, type Connection } from '../etcd/support/connect.js';

const SCHEDULES = Number(process.env.VIEW_SCHEDULES ?? 12);

const STEPS = 40;
const REQUEST_MS = 2000;
const LEASE_SEC = 60;

const seeds = Array.from({ length: SCHEDULES }, (_, index) => index + 1);

let etcd: EtcdServer;
let proxy: TcpProxy;
/** Another program, which does not come through the proxy. */
let direct: Store;

beforeAll(async () => {
  etcd = await startEtcd();
  proxy = await startProxy(etcd.ports.client);
  const options = { connectTimeoutMs: 5000, requestTimeoutMs: 5000, logger: new RecordingLogger() };
  direct = await openEtcdStore([etcd.endpoint], options);
});

afterAll(() => direct.close());

/** One handle behind a link that breaks, with views and a stream of changes that are checked. */
class Stage {
  readonly #prefix: string;
  readonly #watch: Watch;
  readonly #recorded: Promise<void>;
  readonly #random: Random;
  readonly #connection: Connection;
  readonly #record: StoreRecord;
  readonly #views: CheckedView[] = [];
  readonly #changes: CheckedChanges;
  readonly #acknowledged: { readonly key: string; readonly revision: number }[] = [];
  readonly #pending: Promise<unknown>[] = [];
  readonly #leases: LeaseId[] = [];
  #number = 0;

  constructor(seed: number, prefix: string, connection: Connection, watch: Watch, fromRevision: number) {
    this.#prefix = prefix;
    this.#watch = watch;
    this.#random = new Random(seed);
    this.#connection = connection;
    this.#record = new StoreRecord(this.#prefix);
    const pause = (): Promise<void> => this.#random.pause();
    this.#changes = new CheckedChanges(connection.kvi, this.#prefix, fromRevision, pause);
    this.#recorded = this.#keepRecord();
  }

  async run(): Promise<void> {
    this.#pending.push(this.#observe());
    for (let number = 0; number < STEPS; number++) {
      await this.#step(this.#random.below(100));
      await delay(this.#random.below(20));
    }
    await this.#end();
  }

  async #step(chance: number): Promise<void> {
    if (chance < 60) return this.#write();
    if (chance < 70)
      return void this.#pending.push(...this.#views.map((view) => view.sync(this.#record.revision)));
    if (chance < 75) return this.#compact();
    if (chance < 78) return this.#revoke();
    if (chance < 81) return void this.#pending.push(this.#observe());
    if (chance < 85) return proxy.cut(this.#random.pick(['rst', 'fin']));
    if (chance < 87) return void proxy.cutAfterBytes(this.#random.below(2000));
    if (chance < 89) return void proxy.cutAfterMessages(1 + this.#random.below(5));
    if (chance < 91) return proxy.refuse();
    if (chance < 93) return proxy.hold();
    if (chance < 94) return proxy.swallow();
    if (chance < 99) return proxy.pass();
    await etcd.kill();
    await delay(this.#random.below(300));
    return etcd.restart();
  }

  async #end(): Promise<void> {
    await proxy.pass();
    const end = `${this.#prefix}end`;
    await this.#put(end);
    await poll('the changes come to their end', () => this.#changes.hasTold(end) || undefined);
    await Promise.all(this.#pending);
    for (const view of this.#views) {
      const { revision } = this.#record;
      await poll('the view is in step', async () => (await view.sync(revision)) || undefined);
      assert.ok(view.view.isCurrent);
      assert.ok(view.view.has(end));
    }
    this.#changes.stop();
    await this.#changes.done;
    // Whatever was shown lies before this.
    const last = await this.#put(`${this.#prefix}last`);
    await poll('the record is complete', () => this.#record.revision >= last || undefined);
    this.#watch.cancel();
    await this.#recorded;
    this.#changes.verify(this.#record, last - 1);
    for (const view of this.#views) view.verify(this.#record);
    for (const { key, revision } of this.#acknowledged) {
      const events = this.#record.eventsFrom(revision);
      assert.ok(events.some(({ kv }) => kv.key === key && kv.modRevision === revision));
    }
    const { kvs } = await direct.range(prefixSpan(this.#prefix));
    assert.deepEqual(
      this.#record.stateAt(last),
      kvs.map(({ key, value }) => [key, value]),
    );
  }

  /** Nothing is compacted that has not been seen here. */
  async #keepRecord(): Promise<void> {
    for (let next = await this.#watch.next(); next !== undefined; next = await this.#watch.next()) {
      this.#record.add(next);
    }
  }

  async #observe(): Promise<void> {
    const view = await poll('a view', async () => {
      try {
        return await this.#connection.kvi.observe({ prefix: this.#prefix });
      } catch (error) {
        if (error instanceof HmEtcdError) return undefined;
        throw error;
      }
    });
    this.#views.push(new CheckedView(view));
  }

  async #put(key: string): Promise<number> {
    const { revision } = await direct.txn({ success: [{ type: 'put', key, value: String(this.#number++) }] });
    this.#acknowledged.push({ key, revision });
    return revision;
  }

  async #write(): Promise<void> {
    const keys = ['a', 'b', 'c', 'd']
      .filter(() => this.#random.below(2) === 0)
      .map((key) => this.#prefix + key);
    const lease = this.#random.below(4) === 0 ? (await direct.leaseGrant(LEASE_SEC)).id : '';
    if (lease !== '') this.#leases.push(lease);
    const success = keys.map((key): Operation => {
      if (this.#random.below(3) === 0) return { type: 'delete', key };
      return { type: 'put', key, value: String(this.#number++), lease };
    });
    const { revision } = await direct.txn({ success });
    const puts = success.filter(({ type }) => type === 'put') as { readonly key: string }[];
    this.#acknowledged.push(...puts.map(({ key }) => ({ key, revision })));
  }

  async #revoke(): Promise<void> {
    const lease = this.#leases.pop();
    if (lease !== undefined) await direct.leaseRevoke(lease);
  }

  async #compact(): Promise<void> {
    const { revision, compactions } = this.#record;
    if (revision === 0 || compactions.has(revision)) return;
    compactions.add(revision);
    await etcd.ctl('compact', String(revision));
  }
}

it.each(seeds)(
  'changes and views are true through kills, cuts and compactions: schedule %i',
  async (seed) => {
    const prefix = `s${seed}/`;
    const { revision } = await direct.range({ key: prefix });
    const watch = await direct.watch({ ...prefixSpan(prefix), afterRevision: revision });
    await proxy.pass();
    await using connection = await connect(proxy.endpoint, { requestTimeoutMs: REQUEST_MS });
    const stage = new Stage(seed, prefix, connection, watch, revision + 1);
    await expect(stage.run()).resolves.toBeUndefined();
  },
  120_000,
);
