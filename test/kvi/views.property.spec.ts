import { expect, it } from '@jest/globals';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Kvi, LiveView } from '../../lib/kvi/kvi.js';
import { resolveKviOptions } from '../../lib/kvi/options.js';
import { StoreKvi } from '../../lib/kvi/store-kvi.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import type { LeaseId, Operation } from '../../lib/store/store.js';
import { BreakableWatches } from '../support/breakable-watches.js';
import { CheckedChanges } from '../support/checked-changes.js';
import { CheckedView } from '../support/checked-view.js';
import { makeErratic, Random } from '../support/erratic-store.js';
import { InterceptedStore } from '../support/intercepted-store.js';
import { StoreRecord } from '../support/store-record.js';
import { Workbench } from '../support/workbench.js';

const SCHEDULES = Number(process.env.VIEW_SCHEDULES ?? 2000);

const PREFIX = 'k/';
const ALL = { key: '\0', rangeEnd: '\0' };
const KEYS = ['k/', 'k/a', 'k/b', 'k/c', 'k', 'l'];
const LEASE_SEC = 2;

type Write = { readonly key: string; readonly kind: 'put' | 'lease' | 'delete' };

type Step =
  | { readonly do: 'txn'; readonly writes: readonly Write[] }
  | { readonly do: 'fill' | 'revoke' | 'break' | 'cut' | 'mend' | 'compact' | 'sync' | 'observe' | 'turn' }
  | { readonly do: 'advance'; readonly ms: number };

interface Schedule {
  readonly steps: readonly Step[];
  readonly seed: number;
  readonly failureRate: number;
  readonly historyWeight: number;
}

const write: fc.Arbitrary<Write> = fc.record({
  key: fc.constantFrom(...KEYS),
  kind: fc.constantFrom('put', 'put', 'lease', 'delete', 'delete'),
});
const txn = fc.uniqueArray(write, { minLength: 1, maxLength: 4, selector: ({ key }) => key });
const simple = (...kinds: Exclude<Step['do'], 'txn' | 'advance'>[]): fc.Arbitrary<Step> =>
  fc.constantFrom(...kinds).map((kind) => ({ do: kind }));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: txn.map((writes): Step => ({ do: 'txn', writes })) },
  { weight: 3, arbitrary: simple('turn', 'sync') },
  { weight: 3, arbitrary: simple('break', 'cut', 'mend', 'fill', 'compact', 'revoke', 'observe') },
  { weight: 2, arbitrary: fc.constantFrom(50, 400, 3000).map((ms): Step => ({ do: 'advance', ms })) },
);

const schedule: fc.Arbitrary<Schedule> = fc.record({
  steps: fc.array(step, { maxLength: 30, size: 'max' }),
  seed: fc.nat(),
  failureRate: fc.constantFrom(0, 0, 0.3),
  historyWeight: fc.constantFrom(1000, 3000, 1_000_000),
});

/** A handle over a store that breaks, answers late and forgets, with views and a stream of changes that are checked. */
class Stage {
  readonly record = new StoreRecord(PREFIX);
  readonly views: CheckedView[] = [];
  readonly #bench: Workbench;
  readonly #random: Random;
  readonly #store: InterceptedStore;
  readonly #lines: BreakableWatches;
  readonly #kvi: Kvi;
  readonly #changes: CheckedChanges;
  readonly #leases: LeaseId[] = [];
  readonly #pending: Promise<unknown>[] = [];
  #number = 0;
  /** Syncing may read the range instead of waiting for its changes. */
  #hasLooked = false;

  constructor({ seed, failureRate, historyWeight }: Schedule) {
    this.#bench = new Workbench({ historyWeight });
    this.#random = new Random(seed);
    this.#keepRecord();
    const inner = new InterceptedStore(new MemoryStore(this.#bench.database));
    this.#lines = new BreakableWatches(inner);
    this.#store = new InterceptedStore(inner);
    makeErratic(this.#store, this.#random, failureRate);
    const { logger, clock } = this.#bench;
    this.#kvi = new StoreKvi(this.#store, resolveKviOptions({ logger }), clock);
    this.#changes = new CheckedChanges(this.#kvi, PREFIX, 2, () => this.#random.pause());
    this.#observe();
  }

  async take(next: Step): Promise<void> {
    switch (next.do) {
      case 'txn':
        return this.#write(next.writes);
      case 'fill':
        for (let i = 0; i < 12; i++) await this.#write([{ key: 'l', kind: 'put' }]);
        return;
      case 'revoke':
        return this.#bench.foreign.leaseRevoke(this.#leases.pop() ?? '');
      case 'break':
        return this.#lines.breakNow();
      case 'cut':
        return this.#lines.cut();
      case 'mend':
        return this.#lines.mend();
      case 'compact':
        return this.#compact();
      case 'sync':
        this.#hasLooked = true;
        for (const view of this.views) this.#pending.push(view.sync(this.#present));
        return;
      case 'observe':
        this.#observe();
        return;
      case 'turn':
        return this.#random.pause();
      case 'advance':
        return this.#bench.clock.advance(next.ms);
    }
  }

  async end(): Promise<void> {
    this.#lines.mend();
    makeErratic(this.#store, this.#random, 0);
    this.#observe();
    // No lease is left that could end between a look at the views and one at the store.
    await this.#bench.clock.advance(LEASE_SEC * 1000 + 1000);
    await this.#write([{ key: 'k/end', kind: 'put' }]);
    await this.#until(() => this.#changes.hasTold('k/end'));
    await this.#settled(this.#pending);
    await this.#until(() => this.views.every(({ view }) => view.has('k/end')));
    const isComplete = !this.#hasLooked && !this.#hasMissed;
    const synced = await this.#settled(this.views.map((view) => view.sync(this.#present)));
    assert.ok(!synced.includes(false));
    this.#changes.stop();
    await this.#settled([this.#changes.done]);
    const { kvs } = this.#bench.database.range({ key: 'k/', rangeEnd: 'k0' });
    const state = this.record.stateAt(this.#present);
    assert.deepEqual(
      state,
      kvs.map(({ key, value }) => [key, value]),
    );
    for (const { view } of this.views) assert.deepEqual([...view], state);
    this.#changes.verify(this.record);
    for (const view of this.views) view.verify(this.record);
    if (isComplete) for (const view of this.views) view.verifyComplete(this.record);
  }

  async dispose(): Promise<void> {
    await this.#settled([this.#kvi.close()]);
    await this.#bench.dispose();
  }

  get #hasMissed(): boolean {
    return this.#bench.logger.at('warn').some((line) => line.includes('missed changes'));
  }

  get #present(): number {
    return this.record.revision;
  }

  /** As the database does it, not as a reader gets it. */
  #keepRecord(): void {
    const { database } = this.#bench;
    database.watch({ ...ALL, afterRevision: 1 }).push = (changes) => this.record.add(changes);
    const compact = database.compact.bind(database);
    database.compact = (revision) => {
      compact(revision);
      this.record.compactions.add(revision);
    };
  }

  async #write(writes: readonly Write[]): Promise<void> {
    const { foreign } = this.#bench;
    let lease: LeaseId = '';
    if (writes.some(({ kind }) => kind === 'lease')) {
      ({ id: lease } = await foreign.leaseGrant(LEASE_SEC));
      this.#leases.push(lease);
    }
    const success = writes.map(({ key, kind }): Operation => {
      if (kind === 'delete') return { type: 'delete', key };
      return { type: 'put', key, value: String(this.#number++), lease: kind === 'lease' ? lease : '' };
    });
    await foreign.txn({ success });
  }

  #compact(): void {
    const { record } = this;
    if (record.revision > 1 && !record.compactions.has(record.revision)) {
      this.#bench.database.compact(record.revision);
    }
  }

  #observe(): void {
    this.#pending.push(this.#open());
  }

  async #open(): Promise<void> {
    for (;;) {
      const view: LiveView | undefined = await this.#kvi.observe({ prefix: PREFIX }).catch(() => undefined);
      if (view !== undefined) return void this.views.push(new CheckedView(view));
      await this.#random.pause();
    }
  }

  async #settled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
    let isSettled = false;
    const all = Promise.all(promises).finally(() => (isSettled = true));
    all.catch(() => {});
    await this.#until(() => isSettled);
    return all;
  }

  async #until(holds: () => boolean): Promise<void> {
    for (let i = 0; i < 300 && !holds(); i++) await this.#bench.clock.advance(100);
    assert.ok(holds());
  }
}

it(`changes and views are true through ${SCHEDULES} schedules of writes, breaks and compactions`, async () => {
  const property = fc.asyncProperty(schedule, async (plan) => {
    const stage = new Stage(plan);
    try {
      for (const next of plan.steps) await stage.take(next);
      await stage.end();
    } finally {
      await stage.dispose();
    }
  });
  await expect(fc.assert(property, { numRuns: SCHEDULES })).resolves.toBeUndefined();
}, 600_000);
