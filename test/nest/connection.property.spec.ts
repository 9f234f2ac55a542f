import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Inject, Injectable, Module, Scope } from '@nestjs/common';
import { PROPERTY_DEPS_METADATA } from '@nestjs/common/constants.js';
import { ContextIdFactory } from '@nestjs/core';
import {
  currentLock,
  DistLocked,
  HmEtcdModule,
  InvalidArgumentError,
  KviService,
  OnKeyChange,
} from '../../lib/index.js';
import { CONNECTION_PROPERTY, NO_CONNECTION, UNKNOWN_CONNECTION } from '../../lib/nest/hmetcd.messages.js';
import { closeAll, start } from './support/apps.js';
import { Journal } from './support/deferred.js';
import { newStore } from './support/stores.js';

afterEach(closeAll);

@Injectable()
class Locked {
  @DistLocked(0)
  async method(): Promise<string | undefined> {
    return currentLock()?.name;
  }

  @DistLocked(0, { name: 'other' })
  async other(): Promise<string | undefined> {
    return currentLock()?.name;
  }
}

@Injectable()
class Billing {
  @DistLocked(0, { connection: 'billing' })
  async method(): Promise<string | undefined> {
    return currentLock()?.name;
  }
}

@Injectable()
class BillingWatcher {
  @OnKeyChange('key', undefined, { connection: 'billing' })
  changed(): void {}
}

const forRoot = () => HmEtcdModule.forRoot(newStore());
const billing = () => HmEtcdModule.forRoot({ name: 'billing', ...newStore(), lockName: 'billing-lock' });

describe('a connection that is missing', () => {
  it.each([
    ['@DistLocked without any module', Locked, [], undefined],
    ['@DistLocked with a name nobody defines', Billing, [forRoot()], 'billing'],
    ['@OnKeyChange with a name nobody defines', BillingWatcher, [forRoot()], 'billing'],
  ])('fails the start and says which: %s', async (_title, provider, imports, name) => {
    const starting = start({ imports, providers: [provider] });
    await expect(starting).rejects.toThrow(`can't resolve dependencies of the ${provider.name}`);
    await expect(starting).rejects.toThrow(CONNECTION_PROPERTY(name));
  });

  it('fails the start for a transient class too', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient extends Locked {}
    @Injectable()
    class User {
      constructor(@Inject(Transient) readonly transient: Transient) {}
    }
    await expect(start({ providers: [Transient, User] })).rejects.toThrow(CONNECTION_PROPERTY(undefined));
  });

  it('fails the start for a request-scoped class too; on Nest 11, which looks for it then, the first request', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped extends Locked {}
    const firstRequest = async () => {
      const app = await start({ providers: [Scoped] });
      await app.resolve(Scoped);
    };
    await expect(firstRequest()).rejects.toThrow(CONNECTION_PROPERTY(undefined));
  });

  it('fails the start for a request-scoped class that wants a name nobody defines', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped extends Billing {}
    await expect(start({ imports: [forRoot()], providers: [Scoped] })).rejects.toThrow(
      /connection 'billing'/,
    );
  });

  it('fails the start for a controller', async () => {
    @Controller()
    class LockedController extends Locked {}
    await expect(start({ controllers: [LockedController] })).rejects.toThrow(CONNECTION_PROPERTY(undefined));
  });

  it('fails the start where the module is not global and not imported', async () => {
    @Module({ providers: [Locked] })
    class Feature {}
    const imports = [HmEtcdModule.forRoot({ ...newStore(), isGlobal: false }), Feature];
    await expect(start({ imports })).rejects.toThrow(CONNECTION_PROPERTY(undefined));
  });

  it.each([
    ['useValue', { provide: 'billing', useValue: new Billing() }],
    ['useFactory', { provide: 'billing', useFactory: () => new Billing() }],
    ['useValue, with a handler', { provide: 'billing', useValue: new BillingWatcher() }],
  ])('fails the start for an object that Nest did not construct: %s', async (_title, provider) => {
    const starting = start({ imports: [forRoot()], providers: [provider] });
    await expect(starting).rejects.toThrow(InvalidArgumentError);
    await expect(starting).rejects.toThrow(/^Billing(Watcher)? has methods .* on connection 'billing'/);
  });

  it('is told with the class and what to import', () => {
    expect(UNKNOWN_CONNECTION('Billing', 'billing')).toMatch(
      /HmEtcdModule\.forRoot\({ name: 'billing', endpoint }\)/,
    );
  });
});

describe('the hidden property', () => {
  it('is injected once for a class with many methods, its parent and its child', () => {
    class Child extends Locked {
      @DistLocked()
      override async method(): Promise<string | undefined> {
        return super.method();
      }
    }
    expect(Reflect.getMetadata(PROPERTY_DEPS_METADATA, Child)).toHaveLength(1);
    expect(Reflect.getMetadata(PROPERTY_DEPS_METADATA, Locked)).toHaveLength(1);
    expect(Object.getOwnPropertySymbols(Locked.prototype)).toHaveLength(1);
    expect(Object.getOwnPropertySymbols(Child.prototype)).toEqual([]);
  });

  it('is no obstacle to properties that the class itself injects', async () => {
    @Injectable()
    class Child extends Locked {
      @Inject(KviService) readonly kvi!: KviService;

      @DistLocked({ connection: 'billing' })
      async billed(): Promise<string | undefined> {
        return currentLock()?.name;
      }
    }
    const app = await start({ imports: [forRoot(), billing()], providers: [Child] });
    const child = app.get(Child);
    expect(child.kvi).toBe(app.get(KviService));
    expect(await child.method()).toBe('hbtd_dist_lock');
    expect(await child.billed()).toBe('billing-lock');
  });

  it('shows nowhere', async () => {
    const app = await start({ imports: [forRoot()], providers: [Locked] });
    const service = app.get(Locked);
    expect(await service.method()).toBe('hbtd_dist_lock');
    expect(inspect(service)).toBe('Locked {}');
    expect(Object.getOwnPropertySymbols(Object.assign({}, service))).toEqual([]);
    expect(service).toEqual(new Locked());
  });
});

describe('an object that Nest did not construct', () => {
  it.each([
    ['useValue', () => ({ provide: 'locked', useValue: new Locked() })],
    ['useFactory', () => ({ provide: 'locked', useFactory: () => new Locked() })],
    ['an async useFactory', () => ({ provide: 'locked', useFactory: async () => new Locked() })],
    ['useValue, under its own class', () => ({ provide: Locked, useValue: new Locked() })],
  ])('is given its connection: %s', async (_title, provider) => {
    const app = await start({ imports: [forRoot()], providers: [provider()] });
    const service = app.get<Locked>(provider().provide);
    expect(await service.method()).toBe('hbtd_dist_lock');
  });

  it('is given each of its connections', async () => {
    class Both extends Locked {
      @DistLocked({ connection: 'billing' })
      async billed(): Promise<string | undefined> {
        return currentLock()?.name;
      }
    }
    const both = new Both();
    await start({ imports: [forRoot(), billing()], providers: [{ provide: 'both', useValue: both }] });
    expect([await both.method(), await both.billed()]).toEqual(['hbtd_dist_lock', 'billing-lock']);
  });

  it('has it in onModuleInit of the modules that come after', async () => {
    const service = new Locked();
    const journal = new Journal<string | undefined>();
    @Module({})
    class Feature {
      async onModuleInit(): Promise<void> {
        journal.add(await service.method());
      }
    }
    await start({ imports: [forRoot(), Feature], providers: [{ provide: 'locked', useValue: service }] });
    expect(journal.entries).toEqual(['hbtd_dist_lock']);
  });

  it('has none before', async () => {
    const service = new Locked();
    const early = {
      provide: 'early',
      useFactory: () => service.method().then(undefined, (error: unknown) => error),
    };
    const app = await start({
      imports: [forRoot()],
      providers: [{ provide: 'locked', useValue: service }, early],
    });
    expect(app.get<Error>('early').message).toContain(NO_CONNECTION('Locked.method', undefined));
  });

  it('follows the application that it is a value of, one after the other', async () => {
    const value = { provide: 'locked', useValue: new Locked() };
    const first = await start({ imports: [forRoot()], providers: [value] });
    await first.close();
    await start({ imports: [forRoot()], providers: [value] });
    expect(await value.useValue.method()).toBe('hbtd_dist_lock');
  });

  it('is left alone where Nest constructed it after all', async () => {
    const own = { provide: KviService, useValue: { withLock: async () => 'own' } };
    @Module({
      providers: [
        own,
        Locked,
        { provide: 'again', useFactory: (locked: Locked) => locked, inject: [Locked] },
      ],
    })
    class Feature {}
    const app = await start({ imports: [forRoot(), Feature] });
    expect(await app.get(Locked).method()).toBe('own');
  });

  it('is no concern where it has no prototype, or is no object', async () => {
    const values = [Object.create(null), null, undefined, 1, 'text', Symbol('x'), Locked, () => {}, [], {}];
    const providers = values.map((useValue: unknown, index) => ({ provide: `value ${index}`, useValue }));
    await expect(start({ imports: [forRoot()], providers })).resolves.toBeDefined();
  });
});

describe('a class whose objects come and go', () => {
  it('has a connection in each: request-scoped', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped extends Locked {}
    const app = await start({ imports: [forRoot()], providers: [Scoped] });
    const one = await app.resolve(Scoped, ContextIdFactory.create());
    const two = await app.resolve(Scoped, ContextIdFactory.create());
    expect(one).not.toBe(two);
    expect([await one.method(), await two.other()]).toEqual(['hbtd_dist_lock', 'other']);
  });

  it('has a connection in each: transient', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Scoped extends Locked {}
    @Injectable()
    class User {
      constructor(@Inject(Scoped) readonly locked: Locked) {}
    }
    const app = await start({ imports: [forRoot()], providers: [Scoped, User] });
    expect(await app.get(User).locked.method()).toBe('hbtd_dist_lock');
    expect(await (await app.resolve(Scoped)).method()).toBe('hbtd_dist_lock');
  });
});

describe('inheritance', () => {
  it('a child inherits a locked method', async () => {
    @Injectable()
    class Child extends Locked {}
    const app = await start({ imports: [forRoot()], providers: [Child] });
    expect(await app.get(Child).method()).toBe('hbtd_dist_lock');
  });

  it('a child that overrides it without the decorator is not locked, but super is', async () => {
    @Injectable()
    class Child extends Locked {
      override async method(): Promise<string | undefined> {
        const own = currentLock()?.name;
        return `${own}, ${await super.method()}`;
      }
    }
    const app = await start({ imports: [forRoot()], providers: [Child] });
    expect(await app.get(Child).method()).toBe('undefined, hbtd_dist_lock');
  });

  it('a child that overrides it with the decorator is under its own lock, and super under both', async () => {
    @Injectable()
    class Child extends Locked {
      @DistLocked(0, { name: 'child' })
      override async method(): Promise<string | undefined> {
        const own = currentLock()?.name;
        return `${own}, ${await super.method()}`;
      }

      @DistLocked(0, { name: 'other' })
      override async other(): Promise<string | undefined> {
        const own = currentLock()?.key;
        return `${own === currentLock()?.key}, ${await super.other()}`;
      }
    }
    const app = await start({ imports: [forRoot()], providers: [Child] });
    expect(await app.get(Child).method()).toBe('child, hbtd_dist_lock');
    expect(await app.get(Child).other()).toBe('true, other');
  });

  it('an abstract parent may be decorated alone', async () => {
    abstract class Parent {
      @DistLocked()
      async run(): Promise<string> {
        return `${this.name()} under ${currentLock()?.name}`;
      }

      abstract name(): string;
    }
    @Injectable()
    class Child extends Parent {
      name(): string {
        return 'child';
      }
    }
    const app = await start({ imports: [forRoot()], providers: [Child] });
    expect(await app.get(Child).run()).toBe('child under hbtd_dist_lock');
  });
});
