import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type Type } from '@nestjs/common';
import {
  ClosedError,
  CompactedError,
  DELETE,
  HmEtcdModule,
  KviService,
  OnKeyChange,
  PUT,
  UnavailableError,
  type ChangesOptions,
  type KeyChange,
  type KeyRange,
  type KeyValue,
  type Snapshot,
} from '../../lib/index.js';
import { RunningTasks } from '../../lib/kvi/running-tasks.js';
import type { ChangeSource } from '../../lib/nest/change-source.js';
import { systemClock } from '../../lib/store/clock.js';
import {
  CHANGES_FAILED,
  CHANGES_MISSED,
  CHANGES_RESYNCED,
  HANDLER_THREW,
  ON_ERROR_THREW,
} from '../../lib/nest/hmetcd.messages.js';
import { KeyChangeSubscription } from '../../lib/nest/key-change.subscription.js';
import { Hearing } from '../support/hearing.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { closeAll, start } from './support/apps.js';
import { Deferred, Journal } from './support/deferred.js';
import { compact, newStore } from './support/stores.js';

afterEach(closeAll);

const short = ({ op, key, value }: KeyChange): string => (op === PUT ? `${key}=${value}` : `-${key}`);

/** How much of it waits for a busy handler is the store's affair: `mem:` lets it read history, etcd sends megabytes ahead. */
const BALLAST = 'x'.repeat(500_000);
const BALLAST_COUNT = 10;

/** An application with one handling service, on a store that has some keys before it starts. */
async function startWith<T>(service: Type<T>, keys: Record<string, string> = {}) {
  const store = newStore();
  const logger = new RecordingLogger();
  const writer = await start({
    imports: [HmEtcdModule.forRoot({ ...store, logger: new RecordingLogger() })],
  });
  const kvi = writer.get(KviService);
  for (const [key, value] of Object.entries(keys)) await kvi.store(key, value);
  const app = await start({
    imports: [HmEtcdModule.forRoot({ ...store, logger })],
    providers: [service],
  });
  /** Writes more than waits for a handler of `range` that is busy. */
  const overrun = async (range: KeyRange, key: string): Promise<void> => {
    const own = app.get(KviService);
    const changes = own.changes(range);
    for (let written = 0; written < BALLAST_COUNT; written++) {
      await own.store(key, BALLAST);
      await changes.next();
    }
    await changes.return?.();
  };
  const forgetHistory = async (): Promise<void> => compact(store, (await kvi.snapshot('any')).revision);
  // `kvi` is a handle of another application, which knows nothing of the handler.
  return { app, service: app.get(service), kvi, logger, overrun, forgetHistory };
}

const raise = (error: Error): never => {
  throw error;
};

abstract class Handling {
  readonly changes = new Journal<KeyChange>();

  protected record(change: KeyChange): void {
    if (change.value !== BALLAST) this.changes.add(change);
  }

  /** The first changes, in short. */
  async first(count: number): Promise<string[]> {
    return (await this.changes.reaches(count)).map(short);
  }
}

describe('a handler', () => {
  it('sees every change of its key after the start, equal values and deletions included, in order', async () => {
    @Injectable()
    class Service extends Handling {
      @OnKeyChange('key')
      changed(change: KeyChange): boolean {
        this.record(change);
        return false;
      }
    }
    const { service, kvi } = await startWith(Service, { key: 'before' });
    await kvi.store('key', '1');
    await kvi.store('other', '1');
    await kvi.store('key', '1');
    await kvi.delete('key');
    await kvi.store('key', '2');
    expect(await service.first(4)).toEqual(['key=1', 'key=1', '-key', 'key=2']);
    const revisions = service.changes.entries.map(({ revision }) => revision);
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
  });

  it.each<[string, KeyRange, string[]]>([
    ['a prefix', { prefix: 'b/' }, ['b/1=x', 'b/2=x']],
    ['a range, both ends included', { start: 'b/2', end: 'c' }, ['b/2=x', 'c=x']],
    ['every key', { prefix: '' }, ['a=x', 'b/1=x', 'b/2=x', 'c=x']],
  ])('sees %s', async (_title, range, expected) => {
    @Injectable()
    class Service extends Handling {
      @OnKeyChange(range)
      changed(change: KeyChange): void {
        this.record(change);
      }
    }
    const { service, kvi } = await startWith(Service);
    for (const key of ['a', 'b/1', 'b/2', 'c']) await kvi.store(key, 'x');
    expect(await service.first(expected.length)).toEqual(expected);
  });

  it('sees only the kind of change it asks for', async () => {
    @Injectable()
    class Service {
      readonly puts = new Journal<string>();
      readonly deletes = new Journal<string>();

      @OnKeyChange('key', PUT)
      stored(change: KeyChange & { op: PUT }): void {
        this.puts.add(short(change));
      }

      @OnKeyChange('key', DELETE)
      deleted(change: KeyChange & { op: DELETE }): void {
        this.deletes.add(short(change));
      }
    }
    const { service, kvi } = await startWith(Service);
    await kvi.store('key', '1');
    await kvi.delete('key');
    await kvi.store('key', '2');
    await kvi.delete('key');
    expect(await service.puts.reaches(2)).toEqual(['key=1', 'key=2']);
    expect(await service.deletes.reaches(2)).toEqual(['-key', '-key']);
  });

  it('sees the value before where it asks for it', async () => {
    @Injectable()
    class Service extends Handling {
      @OnKeyChange('key', undefined, { prevValue: true })
      changed(change: KeyChange): void {
        this.record(change);
      }
    }
    const { service, kvi } = await startWith(Service, { key: 'before' });
    await kvi.store('key', 'after');
    await kvi.delete('key');
    const changes = await service.changes.reaches(2);
    expect(changes.map(({ prevValue }) => prevValue)).toEqual(['before', 'after']);
  });

  it('runs for one change at a time, and is awaited', async () => {
    const gates = [new Deferred(), new Deferred()];
    @Injectable()
    class Service {
      readonly steps = new Journal<string>();

      @OnKeyChange('key')
      async changed({ value }: KeyChange): Promise<void> {
        this.steps.add(`${value} in`);
        await gates[Number(value)]!.promise;
        this.steps.add(`${value} out`);
      }
    }
    const { service, kvi } = await startWith(Service);
    await kvi.store('key', '0');
    await kvi.store('key', '1');
    await service.steps.reaches(1);
    gates[1]!.resolve();
    await new Promise(setImmediate);
    expect(service.steps.entries).toEqual(['0 in']);
    gates[0]!.resolve();
    expect(await service.steps.reaches(4)).toEqual(['0 in', '0 out', '1 in', '1 out']);
  });

  it.each<[string, (value: string | undefined) => unknown]>([
    ['throws', (value) => JSON.parse(value!)],
    ['rejects', (value) => Promise.reject(new TypeError(`wrong: ${value}`))],
    ['rejects with no Error', (value) => Promise.reject(value)],
  ])('that %s is logged by class and method, without the value, and goes on', async (_title, fail) => {
    @Injectable()
    class Service extends Handling {
      @OnKeyChange('key')
      changed(change: KeyChange): unknown {
        this.record(change);
        return fail(change.value);
      }
    }
    const { service, kvi, logger } = await startWith(Service);
    await kvi.store('key', 'a secret');
    await kvi.store('key', 'a secret');
    await service.changes.reaches(2);
    const line = await logger.line('error', /^Service\.changed \(@OnKeyChange\) threw/);
    expect(line).not.toContain('secret');
  });

  it('goes on also where the log cannot be written', async () => {
    @Injectable()
    class Service extends Handling {
      @OnKeyChange('key')
      changed(change: KeyChange): void {
        this.record(change);
        throw new Error('as expected');
      }
    }
    const { service, kvi, logger } = await startWith(Service);
    logger.error = () => {
      throw new Error('The log is closed.');
    };
    await kvi.store('key', '1');
    await kvi.store('key', '2');
    expect(await service.first(2)).toEqual(['key=1', 'key=2']);
  });

  it('that throws is told to onError: the error, the change, on its own object, and awaited', async () => {
    const gate = new Deferred();
    const failure = new Error('as expected');
    @Injectable()
    class Service {
      readonly steps = new Journal<unknown>();

      @OnKeyChange('key', PUT, {
        async onError(this: Service, error, { key, value }) {
          this.steps.add([error, key, value]);
          await gate.promise;
        },
      })
      async changed({ value }: KeyChange & { op: PUT }): Promise<void> {
        this.steps.add(value);
        if (value === '1') throw failure;
      }
    }
    const { service, kvi, logger } = await startWith(Service);
    await kvi.store('key', '1');
    await kvi.store('key', '2');
    await service.steps.reaches(2);
    await new Promise(setImmediate);
    expect(service.steps.entries).toEqual(['1', [failure, 'key', '1']]);
    gate.resolve();
    expect((await service.steps.reaches(3))[2]).toBe('2');
    await logger.line('error', /^Service\.changed \(@OnKeyChange\) threw Error/);
  });

  it.each<[string, () => unknown]>([
    ['throws', () => raise(new TypeError('a secret'))],
    ['rejects', () => Promise.reject(new TypeError('a secret'))],
  ])('whose onError %s goes on, and the log has both', async (_title, onError) => {
    @Injectable()
    class Service extends Handling {
      @OnKeyChange('key', undefined, { onError })
      changed(change: KeyChange): void {
        this.record(change);
        throw new Error('as expected');
      }
    }
    const { service, kvi, logger } = await startWith(Service);
    await kvi.store('key', '1');
    await kvi.store('key', '2');
    expect(await service.first(2)).toEqual(['key=1', 'key=2']);
    await logger.line('error', /^Service\.changed \(@OnKeyChange\) threw Error/);
    const line = await logger.line('error', /onError/);
    expect(line).toContain(ON_ERROR_THREW('Service.changed', 'TypeError').split(';')[0]);
    expect(line).not.toContain('secret');
  });

  it('whose onError does well is not told of twice', async () => {
    @Injectable()
    class Service extends Handling {
      @OnKeyChange('key', undefined, { onError: () => undefined })
      changed(change: KeyChange): void {
        this.record(change);
        throw new Error('as expected');
      }
    }
    const { service, kvi, logger } = await startWith(Service);
    await kvi.store('key', '1');
    await kvi.store('key', '2');
    await service.first(2);
    await new Promise(setImmediate);
    expect(logger.at('error').filter((line) => line.includes('onError'))).toEqual([]);
    expect(logger.at('error')).toHaveLength(2);
  });

  it('whose error is of this library is logged with its message', async () => {
    const error = new UnavailableError('nobody answers');
    @Injectable()
    class Service {
      @OnKeyChange('key')
      changed(): void {
        throw error;
      }
    }
    const { kvi, logger } = await startWith(Service);
    await kvi.store('key', 'value');
    const line = await logger.line('error', /threw/);
    expect(line).toContain(
      HANDLER_THREW('Service.changed', 'UnavailableError: nobody answers').split(';')[0],
    );
    expect(line).toContain('key-change.subscription.spec.ts');
  });

  it('that was missed by a compaction is told of in an error, and goes on from now', async () => {
    const gate = new Deferred();
    @Injectable()
    class Service extends Handling {
      @OnKeyChange('key')
      async changed(change: KeyChange): Promise<void> {
        this.record(change);
        await gate.promise;
      }
    }
    const { service, kvi, logger, overrun, forgetHistory } = await startWith(Service);
    await kvi.store('key', 'seen');
    await service.changes.reaches(1);
    await overrun('key', 'key');
    await kvi.store('key', 'missed');
    await kvi.store('key', 'missed too');
    await forgetHistory();
    gate.resolve();
    expect(await logger.line('error', /missed/)).toBe(CHANGES_MISSED('Service.changed'));
    // From which of these on it goes on is its own affair.
    for (let round = 0; round < 1000 && service.changes.entries.length === 1; round++) {
      await kvi.store('key', 'next');
      await new Promise(setImmediate);
    }
    expect(service.changes.entries.slice(1).map(short)).toContain('key=next');
    expect(service.changes.entries.map(({ value }) => value)).not.toContain('missed');
  });
});

describe('initial', () => {
  @Injectable()
  class All extends Handling {
    @OnKeyChange({ prefix: 'k' }, undefined, { initial: true })
    changed(change: KeyChange): void {
      this.record(change);
    }
  }

  @Injectable()
  class Puts extends Handling {
    @OnKeyChange({ prefix: 'k' }, PUT, { initial: true })
    changed(change: KeyChange): void {
      this.record(change);
    }
  }

  @Injectable()
  class Deletes extends Handling {
    @OnKeyChange({ prefix: 'k' }, DELETE, { initial: true })
    changed(change: KeyChange): void {
      this.record(change);
    }
  }

  it.each([All, Puts])(
    'calls a handler for each key that exists before the start is over: %p',
    async (type) => {
      const { service } = await startWith<Handling>(type, { k1: 'a', k2: 'b', other: 'c' });
      expect(service.changes.entries.map(short)).toEqual(['k1=a', 'k2=b']);
    },
  );

  it('calls a handler for deletions for none of them', async () => {
    const { service, kvi } = await startWith(Deletes, { k1: 'a', k2: 'b' });
    expect(service.changes.entries).toEqual([]);
    await kvi.delete('k1');
    expect(await service.first(1)).toEqual(['-k1']);
  });

  it('calls for nothing where there is nothing', async () => {
    const { service, kvi } = await startWith(All);
    expect(service.changes.entries).toEqual([]);
    await kvi.store('k1', 'a');
    expect(await service.first(1)).toEqual(['k1=a']);
  });

  it('gives the revision of the last change of the key, and no value before', async () => {
    @Injectable()
    class Service extends Handling {
      @OnKeyChange('k1', PUT, { initial: true, prevValue: true })
      changed(change: KeyChange): void {
        this.record(change);
      }
    }
    const { service, kvi } = await startWith(Service, { k1: 'a', k2: 'b' });
    const [entry] = (await kvi.snapshot('k1')).entries;
    expect(service.changes.entries).toEqual([{ key: 'k1', value: 'a', op: PUT, revision: entry!.revision }]);
  });

  it('is awaited by the start, and misses nothing that is written meanwhile', async () => {
    const gate = new Deferred();
    const entered = new Deferred();
    @Injectable()
    class Service extends Handling {
      @OnKeyChange({ prefix: 'k' }, undefined, { initial: true })
      async changed(change: KeyChange): Promise<void> {
        this.record(change);
        entered.resolve();
        await gate.promise;
      }
    }
    const store = newStore();
    const writer = await start({ imports: [HmEtcdModule.forRoot(store)] });
    const kvi = writer.get(KviService);
    await kvi.store('k1', 'a');
    let isStarted = false;
    const starting = start({ imports: [HmEtcdModule.forRoot(store)], providers: [Service] }).then((app) => {
      isStarted = true;
      return app;
    });
    await entered.promise;
    await kvi.store('k1', 'b');
    await kvi.delete('k1');
    expect(isStarted).toBe(false);
    gate.resolve();
    const app = await starting;
    expect(await app.get(Service).first(3)).toEqual(['k1=a', 'k1=b', '-k1']);
  });

  it('that fails keeps the others from going on', async () => {
    const gate = new Deferred();
    const entered = new Deferred();
    const called: string[] = [];
    @Injectable()
    class Service {
      @OnKeyChange('broken', undefined, { initial: true })
      broken(): void {}

      @OnKeyChange({ prefix: 'k' }, undefined, { initial: true })
      async changed(change: KeyChange): Promise<void> {
        called.push(short(change));
        entered.resolve();
        await gate.promise;
      }
    }
    const mock = {
      changes: () => [],
      snapshot: async (range: KeyRange): Promise<Snapshot> => {
        if (range !== 'broken') return snapshotOf(7, entry('k1', 1), entry('k2', 2));
        await entered.promise;
        throw unavailable;
      },
    };
    const starting = start(
      { imports: [HmEtcdModule.forRoot('mem:unused')], providers: [Service] },
      (builder) => builder.overrideProvider(KviService).useValue(mock),
    );
    await expect(starting).rejects.toBe(unavailable);
    gate.resolve();
    await new Promise(setImmediate);
    expect(called).toEqual(['k1=1']);
  });

  it('fails the start where the keys cannot be read', async () => {
    const broken = {
      snapshot: () => Promise.reject(new UnavailableError('nobody answers')),
      changes: () => [],
      close: () => Promise.resolve(),
    };
    const starting = start({ imports: [HmEtcdModule.forRoot('mem:unused')], providers: [All] }, (builder) =>
      builder.overrideProvider(KviService).useValue(broken),
    );
    await expect(starting).rejects.toThrow('nobody answers');
  });

  it('after a compaction calls for every difference, and goes on from there', async () => {
    const gate = new Deferred();
    @Injectable()
    class Service extends Handling {
      @OnKeyChange({ prefix: 'k' }, undefined, { initial: true })
      async changed(change: KeyChange): Promise<void> {
        this.record(change);
        if (change.value === 'busy') await gate.promise;
      }
    }
    const { service, kvi, logger, overrun, forgetHistory } = await startWith(Service, {
      k1: 'a',
      k2: 'b',
      k3: 'c',
    });
    await kvi.store('k3', 'busy');
    await service.changes.reaches(4);
    await overrun({ prefix: 'k' }, 'k5');
    await kvi.delete('k2');
    await kvi.store('k1', 'a');
    await kvi.store('k4', 'missed');
    await kvi.store('k4', 'd');
    await forgetHistory();
    gate.resolve();
    expect(await logger.line('warn', /compaction/)).toBe(CHANGES_RESYNCED('Service.changed'));
    expect((await service.first(7)).slice(4)).toEqual(['-k2', 'k1=a', 'k4=d']);
    await kvi.store('k4', 'e');
    expect((await service.first(8)).at(-1)).toBe('k4=e');
  });
});

/** A source that plays what it is given, of the kind asked for; a stream whose script is over waits for its signal. */
class ScriptedSource implements ChangeSource {
  readonly asked = new Journal<ChangesOptions>();

  constructor(
    private readonly streams: (KeyChange | Error)[][],
    private readonly snapshots: (Snapshot | Error)[] = [],
  ) {}

  async *changes(_range: KeyRange, options: ChangesOptions): AsyncGenerator<KeyChange> {
    this.asked.add(options);
    for (const step of this.streams.shift() ?? []) {
      if (step instanceof Error) throw step;
      if (options.op === undefined || options.op === step.op) yield step;
    }
    await new Promise((_resolve, reject) => {
      options.signal!.addEventListener('abort', () => reject(options.signal!.reason as Error));
    });
  }

  async snapshot(): Promise<Snapshot> {
    const next = this.snapshots.shift();
    if (next === undefined) throw new Error('The script has no more snapshots.');
    if (next instanceof Error) throw next;
    return next;
  }
}

const put = (key: string, revision: number): KeyChange => ({ key, revision, op: PUT, value: `${revision}` });
const deletion = (key: string, revision: number): KeyChange => ({
  key,
  revision,
  op: DELETE,
  value: undefined,
});
const snapshotOf = (revision: number, ...entries: (KeyValue & { revision: number })[]): Snapshot => ({
  revision,
  entries,
});
const entry = (key: string, revision: number) => ({ key, value: `${revision}`, revision });
const compacted = new CompactedError('compacted', 100);
const unavailable = new UnavailableError('nobody answers');

const subscriptions: KeyChangeSubscription[] = [];
afterEach(() => subscriptions.splice(0).forEach((subscription) => subscription.stop()));

async function subscribe(source: ChangeSource, mark: { op?: PUT | DELETE; initial?: boolean } = {}) {
  const seen = new Journal<string>();
  const logger = new RecordingLogger();
  const { op, initial = false } = mark;
  const handler = {
    name: 'Service.changed',
    mark: { range: { prefix: '' }, op, initial, prevValue: false, onError: undefined, connection: undefined },
    call: (change: KeyChange) => seen.add(short(change)),
    failed: () => undefined,
  };
  const subscription = new KeyChangeSubscription(source, handler, {
    logger,
    calls: new RunningTasks(),
    clock: systemClock,
    place: { endpoint: 'mem:handlers', namespace: '' },
  });
  subscriptions.push(subscription);
  await subscription.start();
  return { subscription, seen, logger };
}

describe('a stream that fails', () => {
  it('is opened again at the revision it had come to, and nothing is told twice', async () => {
    const source = new ScriptedSource([
      [put('a', 5), put('a', 7), put('b', 7), unavailable],
      [put('a', 7), put('b', 7), put('c', 7), put('a', 8)],
    ]);
    const { seen, logger } = await subscribe(source);
    expect(await seen.reaches(5)).toEqual(['a=5', 'a=7', 'b=7', 'c=7', 'a=8']);
    expect(source.asked.entries.map(({ fromRevision }) => fromRevision)).toEqual([undefined, 7]);
    expect(logger.at('error')).toEqual([
      CHANGES_FAILED('Service.changed', 'UnavailableError: nobody answers', false),
    ]);
  });

  it('before its first change goes on from now, and the log says that changes may be missed', async () => {
    const source = new ScriptedSource([[unavailable], [put('a', 9)]]);
    const { seen, logger } = await subscribe(source);
    expect(await seen.reaches(1)).toEqual(['a=9']);
    expect(source.asked.entries.map(({ fromRevision }) => fromRevision)).toEqual([undefined, undefined]);
    expect(logger.at('error')[0]).toMatch(/missed$/);
  });

  it('after the first pass goes on behind the snapshot', async () => {
    const source = new ScriptedSource([[unavailable], [put('a', 9)]], [snapshotOf(7, entry('a', 3))]);
    const { seen } = await subscribe(source, { initial: true });
    expect(await seen.reaches(2)).toEqual(['a=3', 'a=9']);
    expect(source.asked.entries.map(({ fromRevision }) => fromRevision)).toEqual([8, 8]);
  });

  it('by compaction again and again does not keep the processor busy', async () => {
    const source = new ScriptedSource([[compacted], [compacted], [compacted], [put('a', 9)]]);
    const startedAt = performance.now();
    const { seen } = await subscribe(source);
    await seen.reaches(1);
    expect(performance.now() - startedAt).toBeGreaterThan(500);
  });

  it('again and again is tried again and again', async () => {
    const source = new ScriptedSource([[unavailable], [unavailable], [put('a', 9)]]);
    const { seen, logger } = await subscribe(source);
    expect(await seen.reaches(1)).toEqual(['a=9']);
    expect(logger.at('error')).toHaveLength(2);
  });

  it('because the handle was closed ends quietly', async () => {
    const source = new ScriptedSource([[put('a', 1), new ClosedError('closed')]]);
    const { seen, logger } = await subscribe(source);
    await seen.reaches(1);
    await new Promise(setImmediate);
    expect(source.asked.entries).toHaveLength(1);
    expect(logger.lines).toEqual([]);
  });

  it('by an error that is none of ours is logged by its name alone', async () => {
    const source = new ScriptedSource([[new TypeError('with a value')], [put('a', 1)]]);
    const { seen, logger } = await subscribe(source);
    await seen.reaches(1);
    expect(logger.at('error')).toEqual([CHANGES_FAILED('Service.changed', 'TypeError', true)]);
  });
});

describe('start()', () => {
  const notReady = (ready: Promise<void>): ChangeSource => ({
    changes: () => Object.assign(new ScriptedSource([]).changes('key', { signal: never }), { ready }),
    snapshot: () => Promise.reject(new Error('not asked for')),
  });
  const never = new AbortController().signal;

  it('waits until no later change can be missed', async () => {
    const ready = new Deferred();
    let isStarted = false;
    const starting = subscribe(notReady(ready.promise)).then(() => {
      isStarted = true;
    });
    await new Promise(setImmediate);
    expect(isStarted).toBe(false);
    ready.resolve();
    await starting;
    expect(isStarted).toBe(true);
  });

  it('fails when that cannot be had', async () => {
    await expect(subscribe(notReady(Promise.reject(unavailable)))).rejects.toBe(unavailable);
  });
});

describe('a stream that ends', () => {
  it('because the handle was closed is not opened again', async () => {
    const asked: ChangesOptions[] = [];
    const ended = new Deferred();
    const source: ChangeSource = {
      async *changes(_range, options) {
        asked.push(options);
        yield put('a', 1);
        ended.resolve();
      },
      snapshot: () => Promise.reject(new Error('not asked for')),
    };
    const { logger } = await subscribe(source);
    await ended.promise;
    await new Promise(setImmediate);
    expect([asked.length, logger.lines]).toEqual([1, []]);
  });
});

describe('a compaction', () => {
  const before = snapshotOf(10, entry('a', 1), entry('b', 2), entry('c', 3));
  const after = snapshotOf(50, entry('a', 1), entry('c', 40), entry('e', 42));
  // Meanwhile d has come and been seen, and gone unseen; b has gone.
  const script = (): (KeyChange | Error)[][] => [
    [put('d', 11), compacted],
    [put('a', 51), deletion('a', 52)],
  ];

  it.each<[string, PUT | DELETE | undefined, string[]]>([
    ['all', undefined, ['a=1', 'b=2', 'c=3', 'd=11', '-b', '-d', 'c=40', 'e=42', 'a=51', '-a']],
    ['PUT', PUT, ['a=1', 'b=2', 'c=3', 'd=11', 'c=40', 'e=42', 'a=51']],
    ['DELETE', DELETE, ['-b', '-d', '-a']],
  ])('with initial is made up for by differences: %s', async (_title, op, expected) => {
    const source = new ScriptedSource(script(), [before, after]);
    const { seen, logger } = await subscribe(source, { initial: true, op });
    expect(await seen.reaches(expected.length)).toEqual(expected);
    expect(source.asked.entries.map(({ fromRevision }) => fromRevision)).toEqual([11, 51]);
    expect(logger.lines).toEqual([{ level: 'warn', message: CHANGES_RESYNCED('Service.changed') }]);
  });

  it('with initial is told of to whoever listens, once the range was read anew', async () => {
    using heard = new Hearing();
    const { seen } = await subscribe(new ScriptedSource(script(), [before, after]), { initial: true });
    await seen.reaches(10);
    expect(heard.events('watch.resync')).toEqual([
      {
        endpoint: 'mem:handlers',
        namespace: '',
        key: '\0',
        rangeEnd: '\0',
        reason: 'compacted',
        revision: 50,
      },
    ]);
  });

  it('whose snapshot cannot be had is tried again', async () => {
    const source = new ScriptedSource(
      [[compacted], [compacted], [put('a', 51)]],
      [before, unavailable, after],
    );
    const { seen, logger } = await subscribe(source, { initial: true });
    expect((await seen.reaches(7)).slice(3)).toEqual(['-b', 'c=40', 'e=42', 'a=51']);
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn', 'error', 'warn']);
  });

  it('without initial goes on from now, and says that changes were missed', async () => {
    const source = new ScriptedSource([[put('a', 5), compacted], [put('a', 60)]]);
    const { seen, logger } = await subscribe(source);
    expect(await seen.reaches(2)).toEqual(['a=5', 'a=60']);
    expect(source.asked.entries.map(({ fromRevision }) => fromRevision)).toEqual([undefined, undefined]);
    expect(logger.lines).toEqual([{ level: 'error', message: CHANGES_MISSED('Service.changed') }]);
  });
});

describe('stop()', () => {
  it('ends the stream, and nothing is called or logged any more', async () => {
    const source = new ScriptedSource([[put('a', 1)]]);
    const { subscription, seen, logger } = await subscribe(source);
    await seen.reaches(1);
    subscription.stop();
    await new Promise(setImmediate);
    expect(source.asked.entries[0]!.signal!.aborted).toBe(true);
    expect([seen.entries, logger.lines, source.asked.entries.length]).toEqual([['a=1'], [], 1]);
  });

  it('ends the pause before the next try', async () => {
    const source = new ScriptedSource([[unavailable], [put('a', 1)]]);
    const { subscription, logger } = await subscribe(source);
    await logger.line('error', /trying again/);
    subscription.stop();
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
    expect(source.asked.entries).toHaveLength(1);
  });

  it('keeps a change that is there already from the handler', async () => {
    const stream = new Deferred();
    const source: ChangeSource = {
      // Deaf to its signal, as a mock may be.
      async *changes() {
        await stream.promise;
        yield put('a', 1);
      },
      snapshot: () => Promise.reject(new Error('not asked for')),
    };
    const { subscription, seen } = await subscribe(source);
    subscription.stop();
    stream.resolve();
    await new Promise(setImmediate);
    expect(seen.entries).toEqual([]);
  });
});
