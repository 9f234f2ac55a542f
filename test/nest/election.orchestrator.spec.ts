import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Injectable } from '@nestjs/common';
import {
  ClosedError,
  DistLocked,
  getKviToken,
  HmEtcdModule,
  KviService,
  LockTimeoutError,
  OnDeposed,
  OnElected,
  OnKeyChange,
  type Kvi,
  type LeaderTerm,
} from '../../lib/index.js';
import { ELECTIONS_SKIPPED, NOBODY_TO_ELECT, SLOW_TERM } from '../../lib/nest/hmetcd.messages.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { Workbench } from '../support/workbench.js';
import { close, closeAll, start } from './support/apps.js';
import { newStore, openOn, type Place } from './support/stores.js';
import { Deferred, Journal } from './support/deferred.js';

let place: Place;
let observer: Kvi;
/** What the methods of all applications were called for, in its order. */
let events: Journal<string>;

beforeEach(async () => {
  place = newStore();
  observer = await openOn(place);
  events = new Journal();
});

afterEach(async () => {
  await closeAll();
  await observer.close();
});

/** A replica of a service, that writes down when it leads. */
function replica(who: string) {
  @Injectable()
  class Replica {
    readonly terms: LeaderTerm[] = [];

    @OnElected('leader')
    elected(term: LeaderTerm): void {
      this.terms.push(term);
      events.add(`${who} elected`);
    }

    @OnDeposed('leader')
    deposed(): void {
      events.add(`${who} deposed`);
    }
  }
  return Replica;
}

function startReplica(who: string): Promise<INestApplicationContext> {
  const module = HmEtcdModule.forRoot({ ...place, logger: new RecordingLogger() });
  return start({ imports: [module], providers: [replica(who)] });
}

async function queued(count: number): Promise<void> {
  while ((await observer.lockInfo('leader')).queue.length !== count) await new Promise(setImmediate);
}

const forRoot = (options: { shutdownTimeoutMs?: number; sessionTtlSec?: number } = {}) => {
  const logger = new RecordingLogger();
  return { logger, module: HmEtcdModule.forRoot({ ...place, logger, ...options }) };
};

describe('of several applications', () => {
  it('one leads; when it is closed the next does; a candidate that is closed leaves the queue', async () => {
    const a = await startReplica('a');
    await events.reaches(1);
    const b = await startReplica('b');
    await queued(1);
    const c = await startReplica('c');
    await queued(2);
    expect(events.entries).toEqual(['a elected']);
    await close(b);
    expect((await observer.lockInfo('leader')).queue).toHaveLength(1);
    await close(a);
    expect(await events.reaches(3)).toEqual(['a elected', 'a deposed', 'c elected']);
    await close(c);
    expect(events.entries).toHaveLength(4);
    expect(await observer.lockInfo('leader')).toEqual({ queue: [] });
  });

  it('one leads that has lost its lease no longer: it is told before the next is elected', async () => {
    const bench = new Workbench();
    const [a, b] = [bench.open(), bench.open()];
    const startOn = (who: string, kvi: Kvi): Promise<INestApplicationContext> =>
      start({ imports: [HmEtcdModule.forRoot(place)], providers: [replica(who)] }, (builder) =>
        builder.overrideProvider(KviService).useValue(kvi),
      );
    await startOn('a', a.kvi);
    await events.reaches(1);
    await startOn('b', b.kvi);
    while ((await b.kvi.lockInfo('leader')).queue.length === 0) await new Promise(setImmediate);
    a.store.intercept('leaseKeepAlive', () => new Promise(() => {}));
    // The lease, and two seconds.
    await bench.clock.advance(12_000);
    expect((await events.reaches(3)).slice(0, 3)).toEqual(['a elected', 'a deposed', 'b elected']);
    await closeAll();
    await bench.dispose();
  });
});

describe('an application', () => {
  it('stands once for each name and connection', async () => {
    @Injectable()
    class Candidate {
      @OnElected('x')
      @OnElected('y')
      elected({ name }: LeaderTerm): void {
        events.add(name);
      }

      @OnElected('x')
      also({ name }: LeaderTerm): void {
        events.add(`${name} as well`);
      }

      @OnElected('x', { connection: 'billing' })
      billing({ name }: LeaderTerm): void {
        events.add(`${name} of billing`);
      }
    }
    const billing = newStore();
    const app = await start({
      imports: [
        forRoot().module,
        HmEtcdModule.forRoot({ name: 'billing', ...billing, logger: new RecordingLogger() }),
      ],
      providers: [Candidate],
    });
    await events.reaches(4);
    expect(events.entries.toSorted()).toEqual(['x', 'x as well', 'x of billing', 'y']);
    const keys = async (token: ReturnType<typeof getKviToken>): Promise<string[]> =>
      (await app.get<KviService>(token).getPrefix('')).map(({ key }) => key.split('/')[0]!);
    expect(await keys(KviService)).toEqual(['x', 'y']);
    expect(await keys(getKviToken('billing'))).toEqual(['x']);
  });

  it('that leads admits its own locked methods of that name in a term only', async () => {
    @Injectable()
    class Candidate {
      @OnElected('leader')
      async elected(): Promise<void> {
        events.add(await this.locked());
      }

      @DistLocked(0, { name: 'leader' })
      async locked(): Promise<string> {
        return 'locked';
      }
    }
    const app = await start({ imports: [forRoot().module], providers: [Candidate] });
    expect(await events.reaches(1)).toEqual(['locked']);
    await expect(app.get(Candidate).locked()).rejects.toBeInstanceOf(LockTimeoutError);
  });

  it('with an @OnDeposed alone does not stand, and is warned', async () => {
    const { logger, module } = forRoot();
    @Injectable()
    class Mistaken {
      @OnElected('leader')
      elected(): void {
        events.add('elected');
      }

      @OnDeposed('laeder')
      deposed(): void {}
    }
    await start({ imports: [module], providers: [Mistaken] });
    await events.reaches(1);
    expect(logger.warnings).toEqual([NOBODY_TO_ELECT('Mistaken.deposed (@OnDeposed)', 'laeder')]);
    expect(await observer.lockInfo('laeder')).toEqual({ queue: [] });
  });

  it('stands only when all its connections are up', async () => {
    const gates = { one: new Deferred(), two: new Deferred() };
    const entered = new Journal<'one' | 'two'>();
    @Injectable()
    class Candidate {
      @OnElected('leader', { connection: 'one' })
      @OnElected('leader', { connection: 'two' })
      elected(): void {
        events.add('elected');
      }

      @OnKeyChange('key', undefined, { initial: true, connection: 'one' })
      one(): Promise<void> {
        entered.add('one');
        return gates.one.promise;
      }

      @OnKeyChange('key', undefined, { initial: true, connection: 'two' })
      two(): Promise<void> {
        entered.add('two');
        return gates.two.promise;
      }
    }
    await observer.store('key', 'value');
    const connection = (name: string) =>
      HmEtcdModule.forRoot({ name, ...place, logger: new RecordingLogger() });
    const starting = start({ imports: [connection('one'), connection('two')], providers: [Candidate] });
    const [first] = await entered.reaches(1);
    gates[first!].resolve();
    await entered.reaches(2);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(events.entries).toEqual([]);
    gates.one.resolve();
    gates.two.resolve();
    await starting;
    await events.reaches(1);
  });
});

describe('app.close()', () => {
  it('tells a leader, and gives the lock back when its methods have ended', async () => {
    const gate = new Deferred();
    @Injectable()
    class Leader {
      constructor(readonly kvi: KviService) {}

      @OnElected('leader')
      async lead(term: LeaderTerm): Promise<void> {
        events.add('elected');
        await new Promise((resolve) => {
          term.signal.addEventListener('abort', resolve);
        });
        events.add((term.signal.reason as Error).name);
        await gate.promise;
        await this.kvi.store('state', `held: ${term.isHeld}`);
      }

      async onApplicationShutdown(): Promise<void> {
        events.add(`holder: ${(await observer.lockInfo('leader')).holder?.key}`);
      }
    }
    const { logger, module } = forRoot();
    const app = await start({ imports: [module], providers: [Leader] });
    await events.reaches(1);
    const closing = close(app);
    expect(await events.reaches(2)).toEqual(['elected', ClosedError.name]);
    await expect(observer.lock('leader', { timeoutSec: 0 })).rejects.toBeInstanceOf(LockTimeoutError);
    gate.resolve();
    await closing;
    expect(await observer.get('state')).toBe('held: true');
    expect(events.entries[2]).toBe('holder: undefined');
    expect((await observer.lock('leader', { timeoutSec: 0 })).isHeld).toBe(true);
    expect([logger.warnings, logger.at('error')]).toEqual([[], []]);
  });

  it('names a method that outlasts shutdownTimeoutMs, and leaves its lock to the lease', async () => {
    const gate = new Deferred();
    @Injectable()
    class Leader {
      @OnElected('leader')
      async lead(): Promise<void> {
        events.add('elected');
        await gate.promise;
      }
    }
    const { logger, module } = forRoot({ shutdownTimeoutMs: 50, sessionTtlSec: 5 });
    const app = await start({ imports: [module], providers: [Leader] });
    await events.reaches(1);
    await close(app);
    expect(logger.warnings[0]).toBe(SLOW_TERM('leader', ['Leader.lead (@OnElected)'], 50));
    expect(logger.warnings[1]).toMatch(/'leader'/);
    await expect(observer.lock('leader', { timeoutSec: 0 })).rejects.toBeInstanceOf(LockTimeoutError);
    gate.resolve();
    // Only the end of the lease frees it.
    expect((await observer.lock('leader', { timeoutSec: 30 })).isHeld).toBe(true);
  });
});

describe('a mock of the connection', () => {
  it.each<[string, object]>([
    ['empty', {}],
    ['with a function that answers nothing', { withLock: () => undefined }],
  ])('that is %s does not keep the application from starting', async (_title, mock) => {
    const { logger, module } = forRoot();
    const app = await start({ imports: [module], providers: [replica('a')] }, (builder) =>
      builder.overrideProvider(KviService).useValue(mock),
    );
    expect(await logger.line('debug', /elections/)).toBe(ELECTIONS_SKIPPED(['leader']));
    await close(app);
    expect(events.entries).toEqual([]);
  });

  it('is asked for the lock once for each name, however many methods there are', async () => {
    @Injectable()
    class Candidate {
      @OnElected('x')
      @OnElected('y')
      elected(): void {}

      @OnElected('x')
      also(): void {}
    }
    const names: string[] = [];
    const mock = { withLock: (name: string) => void names.push(name) };
    await start({ imports: [forRoot().module], providers: [Candidate] }, (builder) =>
      builder.overrideProvider(KviService).useValue(mock),
    );
    expect(names).toEqual(['x', 'y']);
  });
});
