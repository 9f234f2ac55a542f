import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, SetMetadata } from '@nestjs/common';
import { DistLocked, HmEtcdModule, InvalidArgumentError, KviService } from '../../lib/index.js';
import { NOT_A_METHOD } from '../../lib/nest/hmetcd.messages.js';
import { closeAll, start } from './support/apps.js';
import { refusalOf } from './support/refusal.js';
import { newStore } from './support/stores.js';

afterEach(closeAll);

type LooseDecorator = (target: object, key: string | symbol, descriptor?: PropertyDescriptor) => void;
/** Without its types, as JavaScript calls it. */
const loosely = DistLocked as (...args: unknown[]) => LooseDecorator;

describe('the arguments of @DistLocked', () => {
  it.each<[string, unknown[]]>([
    ['timeoutSec', [-1]],
    ['timeoutSec', [NaN]],
    ['timeoutSec', [Infinity]],
    ['timeoutSec', ['5']],
    ['timeoutSec', [null]],
    ['timeoutSec', [{}, {}]],
    ['options', [5, 'name']],
    ['options', [5, null]],
    ['options.timeoutSec', [{ timeoutSec: -1 }]],
    ['options.timeoutSec', [{ timeoutSec: NaN }]],
    ['options.timeoutSec', [5, { timeoutSec: 5 }]],
    ['options.unknown', [5, { unknown: 1 }]],
    ['options.unknown', [{ unknown: 1 }]],
    ['options.name', [5, { name: '' }]],
    ['options.name', [5, { name: 1 }]],
    ['options.name', [5, { name: '\0hmetcd' }]],
    ['options.name', [5, { name: 'a\ud800' }]],
    ['options.name', [5, { name: '\0hmetcd/x' }]],
    ['options.minHoldSec', [5, { minHoldSec: 0 }]],
    ['options.minHoldSec', [5, { minHoldSec: -1 }]],
    ['options.minHoldSec', [{ minHoldSec: Infinity }]],
    ['options.minHoldSec', [{ minHoldSec: '1' }]],
    ['options.minHoldSec', [5, { minHoldSec: 3.1, maxHoldSec: 3 }]],
    ['options.minHoldSec', [{ minHoldSec: 3.1, maxHoldSec: 3 }]],
    ['options.maxHoldSec', [5, { maxHoldSec: 0 }]],
    ['options.maxHoldSec', [5, { maxHoldSec: -1 }]],
    ['options.maxHoldSec', [5, { maxHoldSec: Infinity }]],
    ['options.onTimeout', [5, { onTimeout: 'ignore' }]],
    ['options.onTimeout', [{ onTimeout: true }]],
    ['options.onLost', [5, { onLost: 'skip' }]],
    ['options.connection', [5, { connection: '' }]],
    ['options.connection', [{ connection: 1 }]],
  ])('name %s in %j', (argument, args) => {
    expect(refusalOf(() => loosely(...args))).toEqual({ error: InvalidArgumentError, argument });
  });

  it('say what onTimeout and onLost may be', () => {
    expect(() => loosely({ onTimeout: 1 })).toThrow("'throw' or 'skip'");
    expect(() => loosely({ onLost: 1 })).toThrow("'throw' or 'ignore'");
  });
});

describe('what @DistLocked is put on', () => {
  class Target {
    static create(): void {}

    method(): void {}

    get value(): string {
      return '';
    }

    set value(_value: string) {}

    *generator(): Generator<string> {
      yield '';
    }

    async *asyncGenerator(): AsyncGenerator<string> {
      yield '';
    }
  }

  it.each<[string, object, string | symbol]>([
    ['static', Target, 'create'],
    ['an accessor', Target.prototype, 'value'],
    ['a generator', Target.prototype, 'generator'],
    ['a generator', Target.prototype, 'asyncGenerator'],
    ['a property', Target.prototype, 'field'],
  ])('must be no member that is %s', (kind, target, key) => {
    const decorate = (): void => loosely()(target, key, Object.getOwnPropertyDescriptor(target, key));
    expect(decorate).toThrow(InvalidArgumentError);
    expect(decorate).toThrow(NOT_A_METHOD('@DistLocked', `Target.${String(key)}`, kind));
  });

  it('must be a function', () => {
    const decorate = (): void => loosely()(Target.prototype, 'method', { value: 1 });
    expect(decorate).toThrow(NOT_A_METHOD('@DistLocked', 'Target.method', 'no function'));
  });

  it('may be named by a symbol', async () => {
    const secret = Symbol('secret');
    @Injectable()
    class Service {
      @DistLocked()
      async [secret](): Promise<string> {
        return 'done';
      }
    }
    const app = await start({ imports: [HmEtcdModule.forRoot(newStore())], providers: [Service] });
    expect(await app.get(Service)[secret]()).toBe('done');
  });
});

describe('a method under @DistLocked', () => {
  const KEY = Symbol('metadata');
  const TAG = Symbol('tag');

  /** What decorators of all kinds leave: metadata by string and symbol, and properties on the function itself. */
  const Marked = (): MethodDecorator => (target, key, descriptor) => {
    SetMetadata('string key', { some: 'value' })(target, key, descriptor);
    SetMetadata(KEY as unknown as string, 'symbol value')(target, key, descriptor);
    Object.assign(descriptor.value as object, { [TAG]: 'tagged' });
    return descriptor;
  };

  class Below {
    @DistLocked(5)
    @Marked()
    async method(_first: string, _second: number, _third?: boolean): Promise<void> {}
  }

  class Above {
    @Marked()
    @DistLocked(5)
    async method(_first: string, _second: number, _third?: boolean): Promise<void> {}
  }

  it.each([
    ['below', Below],
    ['above', Above],
  ])('keeps name, length and all metadata of the decorators %s', (_title, { prototype }) => {
    const { value: method } = Object.getOwnPropertyDescriptor(prototype, 'method') as { value: object };
    expect(method).toHaveProperty('name', 'method');
    expect(method).toHaveLength(3);
    expect(Reflect.getMetadata('string key', method)).toEqual({ some: 'value' });
    expect(Reflect.getMetadata(KEY, method)).toBe('symbol value');
    expect((method as Record<symbol, string>)[TAG]).toBe('tagged');
  });

  it('keeps the types of its parameters', () => {
    expect(Reflect.getMetadata('design:paramtypes', Below.prototype, 'method')).toEqual([
      String,
      Number,
      Boolean,
    ]);
  });

  it('is the same by arguments and by one object', async () => {
    const calls: unknown[] = [];
    const withLock = (...args: unknown[]): void => void calls.push(args.slice(0, 2));
    @Injectable()
    class Service {
      @DistLocked(5, { name: 'jobs', minHoldSec: 1, maxHoldSec: 60 })
      async positional(): Promise<void> {}

      @DistLocked({ timeoutSec: 5, name: 'jobs', minHoldSec: 1, maxHoldSec: 60 })
      async object(): Promise<void> {}
    }
    const app = await start({ providers: [Service, { provide: KviService, useValue: { withLock } }] });
    await app.get(Service).positional();
    await app.get(Service).object();
    const call = ['jobs', { timeoutSec: 5, minHoldSec: 1, maxHoldSec: 60 }];
    expect(calls).toEqual([call, call]);
  });
});
