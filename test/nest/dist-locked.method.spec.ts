import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { HttpException, Injectable, StreamableFile } from '@nestjs/common';
import { of } from 'rxjs';
import {
  currentLock,
  DistLocked,
  getKviToken,
  HmEtcdModule,
  InvalidArgumentError,
  KviService,
  LockLostError,
  LockTimeoutError,
} from '../../lib/index.js';
import { LAZY_RESULT, LOSS_IGNORED, NO_CONNECTION, SKIPPED } from '../../lib/nest/hmetcd.messages.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { closeAll, start } from './support/apps.js';
import { Deferred, Journal } from './support/deferred.js';
import { newStore } from './support/stores.js';

afterEach(closeAll);

/** An application with one service; `kvi` is the service's own connection. */
async function startWith<T>(service: new (...args: never[]) => T, options: { lockName?: string } = {}) {
  const logger = new RecordingLogger();
  const app = await start({
    imports: [HmEtcdModule.forRoot({ ...newStore(), logger, ...options })],
    providers: [service],
  });
  return { service: app.get(service), kvi: app.get(KviService), logger };
}

describe('a call of a @DistLocked method', () => {
  it('hands arguments, this and the result through', async () => {
    @Injectable()
    class Service {
      readonly greeting = 'Hello';

      @DistLocked()
      async greet(name: string, ...others: string[]): Promise<string> {
        return [this.greeting, name, ...others].join(' ');
      }
    }
    const { service } = await startWith(Service);
    expect(await service.greet('you', 'and', 'you')).toBe('Hello you and you');
  });

  it('is under the lock, which is free again afterwards', async () => {
    @Injectable()
    class Service {
      @DistLocked(5, { name: 'jobs' })
      async method() {
        const lock = currentLock();
        return { name: lock?.name, wasHeld: lock?.isHeld, lock };
      }
    }
    const { service, kvi } = await startWith(Service);
    const { name, wasHeld, lock } = await service.method();
    expect([name, wasHeld, lock?.isHeld]).toEqual(['jobs', true, false]);
    expect(currentLock()).toBeUndefined();
    await using again = await kvi.lock('jobs', { timeoutSec: 0 });
    expect(again.isHeld).toBe(true);
  });

  it.each<[string, { lockName?: string }, string]>([
    ["the connection's lockName", { lockName: 'own' }, 'own'],
    ["the original's", {}, 'hbtd_dist_lock'],
  ])('takes %s where no name is given', async (_title, options, expected) => {
    @Injectable()
    class Service {
      @DistLocked()
      async method() {
        return currentLock()?.name;
      }
    }
    const { service } = await startWith(Service, options);
    expect(await service.method()).toBe(expected);
  });

  it('takes the connection it names', async () => {
    @Injectable()
    class Service {
      @DistLocked(0, { connection: 'billing', name: 'jobs' })
      async method(): Promise<void> {}
    }
    const app = await start({
      imports: [HmEtcdModule.forRoot(newStore()), HmEtcdModule.forRoot({ name: 'billing', ...newStore() })],
      providers: [Service],
    });
    await using other = await app.get(KviService).lock('jobs');
    expect(other.isHeld).toBe(true);
    await expect(app.get(Service).method()).resolves.toBeUndefined();
    await using same = await app.get<KviService>(getKviToken('billing')).lock('jobs');
    expect(same.isHeld).toBe(true);
    await expect(app.get(Service).method()).rejects.toThrow(LockTimeoutError);
  });

  it('makes its name of its arguments, on this', async () => {
    @Injectable()
    class Service {
      readonly prefix = 'orders';

      @DistLocked(5, {
        name(this: Service, id: string) {
          return `${this.prefix}-${id}`;
        },
      })
      async method(_id: string, _count: number) {
        return currentLock()?.name;
      }
    }
    const { service } = await startWith(Service);
    expect(await service.method('7', 1)).toBe('orders-7');
  });

  it.each([
    ['', "''"],
    [undefined, 'undefined'],
    [7, 'non-empty string'],
    ['a\ud800', 'surrogate'],
    ['\0hmetcd/x', 'keeps for itself'],
  ])('rejects when its name becomes %j, and the method is not called', async (name, told) => {
    let calls = 0;
    @Injectable()
    class Service {
      @DistLocked(5, { name: (given: unknown) => given as string })
      async method(_name: unknown): Promise<void> {
        calls++;
      }
    }
    const { service } = await startWith(Service);
    const call = service.method(name);
    await expect(call).rejects.toThrow(InvalidArgumentError);
    await expect(call).rejects.toThrow(new RegExp(`^the result of options\\.name .*${told}`));
    expect(calls).toBe(0);
  });

  it('rejects with what its name function throws', async () => {
    const error = new Error('no name');
    @Injectable()
    class Service {
      @DistLocked(5, {
        name: () => {
          throw error;
        },
      })
      async method(): Promise<void> {}
    }
    const { service } = await startWith(Service);
    await expect(service.method()).rejects.toBe(error);
  });

  it('frees the lock after maxHoldSec, and tells the method first', async () => {
    @Injectable()
    class Service {
      @DistLocked(5, { maxHoldSec: 0.05 })
      async method(): Promise<void> {
        const { signal } = currentLock()!;
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve);
        });
      }
    }
    const { service } = await startWith(Service);
    await expect(service.method()).rejects.toThrow(LockLostError);
  });
});

describe('minHoldSec', () => {
  @Injectable()
  class Service {
    runs = 0;

    @DistLocked(0, { name: 'tick', onTimeout: 'skip', minHoldSec: 2 })
    async tick(): Promise<string | undefined> {
      this.runs++;
      return currentLock()?.name;
    }

    @DistLocked(0, { name: 'tick', onTimeout: 'skip', minHoldSec: 60 })
    async failingTick(error: Error): Promise<void> {
      throw error;
    }
  }

  it('has later calls skip until it is over, whatever replica they come to', async () => {
    const logger = new RecordingLogger();
    const imports = [HmEtcdModule.forRoot({ ...newStore(), logger })];
    const apps = [
      await start({ imports, providers: [Service] }),
      await start({ imports, providers: [Service] }),
    ];
    const [one, two] = apps.map((app) => app.get(Service));
    expect(await Promise.all([one!.tick(), one!.tick()])).toEqual(['tick', undefined]);
    expect(currentLock()).toBeUndefined();
    expect(await two!.tick()).toBeUndefined();
    expect(logger.at('debug')).toEqual([SKIPPED('Service.tick', 'tick'), SKIPPED('Service.tick', 'tick')]);
    await using free = await apps[1]!.get(KviService).lock('tick');
    expect(free.isHeld).toBe(true);
    expect([one!.runs, two!.runs]).toEqual([1, 0]);
  });

  it('holds also after an error, which reaches the caller at once', async () => {
    const { service } = await startWith(Service);
    const error = new Error('mine');
    await expect(service.failingTick(error)).rejects.toBe(error);
    expect(await service.tick()).toBeUndefined();
    expect(service.runs).toBe(0);
  });

  it('does not hold up a shutdown', async () => {
    const { service, logger } = await startWith(Service);
    await expect(service.failingTick(new Error('mine'))).rejects.toThrow('mine');
    await closeAll();
    expect([...logger.warnings, ...logger.at('error')]).toEqual([]);
  });
});

describe('an error of the method', () => {
  it.each([
    ['an HttpException', new HttpException('teapot', 418)],
    ['a LockTimeoutError of its own', new LockTimeoutError('mine')],
    ['a LockLostError of its own', new LockLostError('mine')],
    ['a string', 'text'],
    ['undefined', undefined],
  ])('reaches the caller as the same object: %s', async (_title, error) => {
    @Injectable()
    class Service {
      @DistLocked(5, { onTimeout: 'skip', onLost: 'ignore' })
      async method(): Promise<void> {
        throw error;
      }
    }
    const { service, kvi } = await startWith(Service);
    const outcome = await service.method().then(
      () => 'resolved',
      (rejection: unknown) => ({ rejection }),
    );
    expect(outcome).toEqual({ rejection: error });
    expect((outcome as { rejection: unknown }).rejection).toBe(error);
    await using again = await kvi.lock(undefined, { timeoutSec: 0 });
    expect(again.isHeld).toBe(true);
  });

  it('wins over the loss of the lock', async () => {
    const error = new Error('mine');
    @Injectable()
    class Service {
      @DistLocked()
      async method(kvi: KviService): Promise<void> {
        await loseLock(kvi);
        throw error;
      }
    }
    const { service, kvi } = await startWith(Service);
    await expect(service.method(kvi)).rejects.toBe(error);
  });
});

describe('onTimeout', () => {
  @Injectable()
  class Service {
    calls = 0;

    @DistLocked(0)
    async throwing(): Promise<void> {
      this.calls++;
    }

    @DistLocked(0, { onTimeout: 'skip' })
    async skipped(): Promise<string | undefined> {
      this.calls++;
      return 'ran';
    }

    @DistLocked(0, { onTimeout: 'skip', name: 'outer' })
    async waitsForAnother(kvi: KviService): Promise<void> {
      await kvi.lock('inner', { timeoutSec: 0 });
    }
  }

  it("throws LockTimeoutError by default, and the method isn't called", async () => {
    const { service, kvi } = await startWith(Service);
    await using held = await kvi.lock();
    expect(held.isHeld).toBe(true);
    await expect(service.throwing()).rejects.toThrow(LockTimeoutError);
    expect(service.calls).toBe(0);
  });

  it("'skip' answers undefined with a debug line, and runs once the lock is free", async () => {
    const { service, kvi, logger } = await startWith(Service);
    const held = await kvi.lock();
    expect(await service.skipped()).toBeUndefined();
    expect(service.calls).toBe(0);
    expect(logger.at('debug')).toEqual([SKIPPED('Service.skipped', 'hbtd_dist_lock')]);
    expect(logger.at('debug')[0]).toMatch(/^skipped Service\.skipped/);
    await held.release();
    expect(await service.skipped()).toBe('ran');
  });

  it("'skip' also covers the wait inside the process", async () => {
    const { service } = await startWith(Service);
    const answers = await Promise.all([service.skipped(), service.skipped()]);
    expect(answers).toEqual(['ran', undefined]);
  });

  it("'skip' covers no timeout that the method itself ran into", async () => {
    const { service, kvi } = await startWith(Service);
    await using held = await kvi.lock('inner');
    expect(held.isHeld).toBe(true);
    await expect(service.waitsForAnother(kvi)).rejects.toThrow(/'inner'/);
  });
});

describe('onLost', () => {
  @Injectable()
  class Service {
    @DistLocked()
    async throwing(kvi: KviService): Promise<string> {
      await loseLock(kvi);
      return 'result';
    }

    @DistLocked({ onLost: 'ignore' })
    async ignoring(kvi: KviService): Promise<string> {
      await loseLock(kvi);
      return 'result';
    }

    @DistLocked({ onLost: 'ignore' })
    async asserting(kvi: KviService): Promise<void> {
      await loseLock(kvi);
      currentLock()?.assertHeld();
      throw new Error('currentLock() knows of the loss');
    }
  }

  it('rejects with LockLostError by default', async () => {
    const { service, kvi } = await startWith(Service);
    await expect(service.throwing(kvi)).rejects.toThrow(LockLostError);
  });

  it("'ignore' answers the result with a debug line", async () => {
    const { service, kvi, logger } = await startWith(Service);
    expect(await service.ignoring(kvi)).toBe('result');
    expect(logger.at('debug')).toEqual([LOSS_IGNORED('Service.ignoring', 'hbtd_dist_lock')]);
  });

  it("'ignore' ignores no error of the method", async () => {
    const { service, kvi } = await startWith(Service);
    await expect(service.asserting(kvi)).rejects.toThrow('currentLock() knows of the loss');
  });
});

describe('a result that goes on after the method', () => {
  function* numbers(): Generator<number> {
    yield 1;
  }
  async function* laterNumbers(): AsyncGenerator<number> {
    yield 1;
  }

  it.each<[string, () => unknown]>([
    ['an Observable', () => of(1)],
    ['a stream', () => Readable.from(['x'])],
    ['a stream', () => new StreamableFile(Buffer.from('x'))],
    ['an async iterable', () => new ReadableStream()],
    ['an async iterable', () => laterNumbers()],
    ['an iterator', () => numbers()],
    ['an iterator', () => new Map().entries()],
  ])('is refused: %s (%s)', async (kind, make) => {
    @Injectable()
    class Service {
      @DistLocked()
      async promised(): Promise<unknown> {
        return make();
      }

      @DistLocked()
      direct(): Promise<unknown> {
        return make() as Promise<unknown>;
      }
    }
    const { service, kvi } = await startWith(Service);
    for (const method of ['promised', 'direct'] as const) {
      const call = service[method]();
      await expect(call).rejects.toThrow(InvalidArgumentError);
      await expect(call).rejects.toThrow(LAZY_RESULT(`Service.${method}`, kind));
    }
    await using again = await kvi.lock(undefined, { timeoutSec: 0 });
    expect(again.isHeld).toBe(true);
  });

  it.each([
    [[1]],
    [new Map([[1, 2]])],
    [new Set([1])],
    ['text'],
    [Buffer.from('x')],
    [null],
    [0],
    [{ next: 1 }],
  ])('is no array, map, text or the like: %p', async (result) => {
    @Injectable()
    class Service {
      @DistLocked()
      async method(): Promise<unknown> {
        return result;
      }
    }
    const { service } = await startWith(Service);
    expect(await service.method()).toBe(result);
  });
});

describe('a call from inside', () => {
  @Injectable()
  class Service {
    @DistLocked(0)
    async outer(): Promise<string[]> {
      const outer = currentLock()!.key;
      return [outer, ...(await this.inner())];
    }

    @DistLocked(0)
    async inner(): Promise<string[]> {
      return [currentLock()!.key];
    }

    @DistLocked(0)
    async recursive(depth: number): Promise<number> {
      return depth === 0 ? 0 : 1 + (await this.recursive(depth - 1));
    }

    @DistLocked(0, { name: 'another' })
    async another(): Promise<string> {
      return currentLock()!.name;
    }

    @DistLocked(0)
    async callsAnother(): Promise<(string | undefined)[]> {
      return [await this.another(), currentLock()?.name];
    }

    late: Promise<unknown> = Promise.resolve();

    /** Starts something that tries the lock again after `when`. */
    @DistLocked(0)
    async leavesWorkBehind(when: Promise<void>): Promise<void> {
      this.late = when.then(() => this.inner());
    }
  }

  it('on the same lock passes through', async () => {
    const { service } = await startWith(Service);
    const [outer, inner] = await service.outer();
    expect(inner).toBe(outer);
    expect(await service.recursive(5)).toBe(5);
  });

  it('on another lock takes that one, and currentLock() is the innermost', async () => {
    const { service } = await startWith(Service);
    expect(await service.callsAnother()).toEqual(['another', 'hbtd_dist_lock']);
  });

  it('by what the method left behind does not pass through once it has returned', async () => {
    const { service, kvi } = await startWith(Service);
    const later = new Deferred();
    await service.leavesWorkBehind(later.promise);
    await using held = await kvi.lock();
    expect(held.isHeld).toBe(true);
    later.resolve();
    await expect(service.late).rejects.toThrow(LockTimeoutError);
  });

  it('by a hold of distLock() does not pass through', async () => {
    const { service, kvi } = await startWith(Service);
    await kvi.distLock();
    await expect(service.inner()).rejects.toThrow(LockTimeoutError);
    await kvi.distUnlock();
    expect(await service.inner()).toHaveLength(1);
  });
});

describe('concurrent calls', () => {
  it('queue in order, one inside at a time; another name does not wait', async () => {
    const gate = new Deferred();
    const steps = new Journal<string>();
    @Injectable()
    class Service {
      @DistLocked({ name: (lock: string) => lock })
      async method(_lock: string, id: string): Promise<void> {
        steps.add(`${id} in`);
        if (id === 'first') await gate.promise;
        steps.add(`${id} out`);
      }
    }
    const { service } = await startWith(Service);
    const calls = ['first', 'second', 'third'].map((id) => service.method('one', id));
    await steps.reaches(1);
    await service.method('two', 'other');
    expect(steps.entries).toEqual(['first in', 'other in', 'other out']);
    gate.resolve();
    await Promise.all(calls);
    expect(steps.entries.slice(3)).toEqual(['first out', 'second in', 'second out', 'third in', 'third out']);
  });
});

describe('an object without a connection', () => {
  @Injectable()
  class Service {
    calls = 0;

    @DistLocked(5, { connection: 'billing' })
    async method(): Promise<void> {
      this.calls++;
    }
  }

  it('rejects and says why when it was made by new', async () => {
    const service = new Service();
    const call = service.method();
    await expect(call).rejects.toThrow(InvalidArgumentError);
    await expect(call).rejects.toThrow(NO_CONNECTION('Service.method', 'billing'));
    expect(service.calls).toBe(0);
  });

  it('rejects when the method lost its object', async () => {
    const app = await start({
      imports: [HmEtcdModule.forRoot({ name: 'billing', ...newStore() })],
      providers: [Service],
    });
    const { value: method } = Object.getOwnPropertyDescriptor(Service.prototype, 'method') as {
      value: () => Promise<void>;
    };
    expect(app.get(Service)).toBeDefined();
    await expect(Reflect.apply(method, undefined, [])).rejects.toThrow(
      NO_CONNECTION('Service.method', 'billing'),
    );
  });
});

/** As an operator would: deletes the key of the lock that the caller runs under, and waits until that is seen. */
async function loseLock(kvi: KviService): Promise<void> {
  const { key, signal } = currentLock()!;
  const lost = new Promise((resolve) => {
    signal.addEventListener('abort', resolve);
  });
  await kvi.delete(key);
  await lost;
}
