import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable } from '@nestjs/common';
import { Interval, ScheduleModule } from '@nestjs/schedule';
import {
  ClosedError,
  currentLock,
  DistLocked,
  HmEtcdModule,
  InjectKvi,
  KviService,
  LockTimeoutError,
  OnKeyChange,
  type HeldLock,
  type KeyChange,
  type Kvi,
} from '../../lib/index.js';
import { SLOW_HANDLERS } from '../../lib/nest/hmetcd.messages.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { close, closeAll, start } from './support/apps.js';
import { Deferred, Journal } from './support/deferred.js';
import { startHttp } from './support/http.js';
import { newStore, openOn, type Place } from './support/stores.js';

const observers: Kvi[] = [];

afterEach(async () => {
  await closeAll();
  await Promise.all(observers.splice(0).map((kvi) => kvi.close()));
});

/** Sees the store from outside the application. */
async function observe(store: Place): Promise<Kvi> {
  const kvi = await openOn(store);
  observers.push(kvi);
  return kvi;
}

const someTurns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
};

const aborted = async ({ signal }: HeldLock): Promise<unknown> => {
  if (!signal.aborted) {
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve);
    });
  }
  return signal.reason as unknown;
};

describe('app.close()', () => {
  it('lets what runs finish under its lock and with its connection, then closes', async () => {
    const gate = new Deferred();
    const events = new Journal<string>();
    const store = newStore();

    /** What a running method sees when it ends. */
    const finish = async (name: string, kvi: KviService): Promise<void> => {
      await gate.promise;
      await kvi.store(`done/${name}`, String(currentLock()?.isHeld));
      events.add(`${name} done`);
    };

    @Injectable()
    class Service {
      constructor(readonly kvi: KviService) {}

      @Interval(1)
      @DistLocked(0, { name: 'job', onTimeout: 'skip' })
      async job(): Promise<void> {
        events.add('job in');
        await finish('job', this.kvi);
      }

      @OnKeyChange('key')
      async changed(_change: KeyChange): Promise<void> {
        events.add('handler in');
        await finish('handler', this.kvi);
      }
    }

    @Controller()
    class Requests {
      constructor(readonly kvi: KviService) {}

      @Get()
      @DistLocked(0, { name: 'request' })
      async get(): Promise<string> {
        events.add('request in');
        await finish('request', this.kvi);
        return 'answered';
      }
    }

    const { app, fetch } = await startHttp({
      imports: [ScheduleModule.forRoot(), HmEtcdModule.forRoot({ ...store, logger: new RecordingLogger() })],
      providers: [Service],
      controllers: [Requests],
    });
    const kvi = app.get(KviService);
    const watch = kvi.watch('never').then(undefined, (error: unknown) => error);
    const held = await kvi.lock('held');
    await kvi.tempKey('temp');
    await kvi.store('key', 'value');
    const response = fetch('/').then((answer) => answer.text());
    await events.reaches(3);

    const observer = await observe(store);
    const closing = close(app).then(() => events.add('closed'));
    await someTurns();
    expect(events.entries.toSorted()).toEqual(['handler in', 'job in', 'request in']);
    for (const name of ['job', 'request', 'held']) {
      await expect(observer.lock(name, { timeoutSec: 0 })).rejects.toThrow(LockTimeoutError);
    }
    gate.resolve();
    await closing;

    expect(events.entries.slice(3, 6).toSorted()).toEqual(['handler done', 'job done', 'request done']);
    expect(events.entries.slice(6)).toEqual(['closed']);
    expect(await response).toBe('answered');
    expect(await observer.getPrefix('done/')).toEqual([
      { key: 'done/handler', value: 'undefined' },
      { key: 'done/job', value: 'true' },
      { key: 'done/request', value: 'true' },
    ]);
    expect(await watch).toBeInstanceOf(ClosedError);
    expect(held.isHeld).toBe(false);
    expect(await observer.get('temp')).toBeUndefined();
    for (const name of ['job', 'request', 'held']) {
      const lock = await observer.lock(name, { timeoutSec: 0 });
      expect(lock.isHeld).toBe(true);
    }
    await expect(kvi.get('key')).rejects.toThrow(ClosedError);
  });

  it('starts no handler and no job any more', async () => {
    const store = newStore();
    const events = new Journal<string>();
    const gate = new Deferred();
    @Injectable()
    class Service {
      @OnKeyChange('key')
      async changed({ value }: KeyChange): Promise<void> {
        events.add(value!);
        await gate.promise;
      }
    }
    const app = await start({ imports: [HmEtcdModule.forRoot(store)], providers: [Service] });
    const observer = await observe(store);
    await observer.store('key', 'running');
    await observer.store('key', 'waiting');
    await events.reaches(1);
    const closing = close(app);
    await someTurns();
    await observer.store('key', 'late');
    gate.resolve();
    await closing;
    await someTurns();
    expect(events.entries).toEqual(['running']);
  });

  it('locks until onApplicationShutdown of the modules above', async () => {
    const locks: (string | undefined)[] = [];
    @Injectable()
    class Service {
      @DistLocked()
      async method(): Promise<void> {
        locks.push(currentLock()?.name);
      }

      beforeApplicationShutdown(): Promise<void> {
        return this.method();
      }

      onApplicationShutdown(): Promise<void> {
        return this.method();
      }
    }
    const app = await start({ imports: [HmEtcdModule.forRoot(newStore())], providers: [Service] });
    await close(app);
    expect(locks).toEqual(['hbtd_dist_lock', 'hbtd_dist_lock']);
  });

  it('can be called twice', async () => {
    const app = await start({ imports: [HmEtcdModule.forRoot(newStore())] });
    await app.close();
    await expect(app.close()).resolves.toBeUndefined();
  });
});

describe('a method that outlasts shutdownTimeoutMs', () => {
  const shutdownTimeoutMs = 50;

  it('is told by its signal, named in a warning, and its lock is not released under it: a job', async () => {
    const gate = new Deferred();
    const running = new Deferred<HeldLock>();
    const ended = new Deferred<unknown>();
    const store = newStore();
    const logger = new RecordingLogger();
    @Injectable()
    class Service {
      @Interval(1)
      @DistLocked(0, { name: 'job', onTimeout: 'skip', onLost: 'ignore' })
      async job(): Promise<void> {
        running.resolve(currentLock()!);
        const reason = await aborted(currentLock()!);
        await gate.promise;
        ended.resolve(reason);
      }
    }
    const app = await start({
      imports: [
        ScheduleModule.forRoot(),
        HmEtcdModule.forRoot({ ...store, shutdownTimeoutMs, sessionTtlSec: 5, logger }),
      ],
      providers: [Service],
    });
    const lock = await running.promise;
    // Before the lease begins to run out.
    const observer = await observe(store);
    await close(app);

    expect(lock.signal.aborted).toBe(true);
    expect(logger.warnings).toEqual([expect.stringContaining('Service.job')]);
    await expect(observer.lock('job', { timeoutSec: 0 })).rejects.toThrow(LockTimeoutError);
    gate.resolve();
    expect(await ended.promise).toBe(lock.signal.reason);
    // Only the end of the lease frees it.
    const next = await observer.lock('job', { timeoutSec: 30 });
    expect(next.isHeld).toBe(true);
  });

  it('is told by its signal, so that Nest can close its server: a request', async () => {
    const running = new Deferred();
    const logger = new RecordingLogger();
    @Controller()
    class Requests {
      @Get()
      @DistLocked(0, { onLost: 'ignore' })
      async get(): Promise<string> {
        running.resolve();
        await aborted(currentLock()!);
        return 'told';
      }
    }
    const { app, fetch } = await startHttp({
      imports: [HmEtcdModule.forRoot({ ...newStore(), shutdownTimeoutMs, logger })],
      controllers: [Requests],
    });
    const response = fetch('/').then((answer) => answer.text());
    await running.promise;
    await close(app);
    expect(await response).toBe('told');
    expect(logger.warnings).toEqual([expect.stringContaining('Requests.get')]);
  });

  it('is named in a warning, and not waited for: a handler', async () => {
    const gate = new Deferred();
    const running = new Deferred();
    const logger = new RecordingLogger();
    @Injectable()
    class Service {
      @OnKeyChange('key')
      async changed(): Promise<void> {
        running.resolve();
        await gate.promise;
      }

      @OnKeyChange('key')
      async quick(): Promise<void> {}
    }
    const app = await start({
      imports: [HmEtcdModule.forRoot({ ...newStore(), shutdownTimeoutMs, logger })],
      providers: [Service],
    });
    await app.get(KviService).store('key', 'value');
    await running.promise;
    await close(app);
    expect(logger.warnings).toEqual([SLOW_HANDLERS(['Service.changed'], shutdownTimeoutMs)]);
    gate.resolve();
  });

  it('leaves the connection open as long as Nest is not done with its own', async () => {
    const running = new Deferred();
    const gate = new Deferred();
    @Controller()
    class Requests {
      constructor(@InjectKvi() readonly kvi: KviService) {}

      @Get()
      async get(): Promise<string> {
        running.resolve();
        await gate.promise;
        await this.kvi.withLock('late', { timeoutSec: 0 }, () => this.kvi.store('key', 'value'));
        return 'stored';
      }
    }
    const { app, fetch } = await startHttp({
      imports: [HmEtcdModule.forRoot({ ...newStore(), shutdownTimeoutMs: 10_000 })],
      controllers: [Requests],
    });
    const response = fetch('/').then((answer) => answer.text());
    await running.promise;
    const closing = close(app);
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    gate.resolve();
    await closing;
    expect(await response).toBe('stored');
  });
});
