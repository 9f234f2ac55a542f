import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type CanActivate,
  Controller,
  Get,
  Inject,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type ModuleMetadata,
  type NestMiddleware,
  type OnModuleInit,
  Scope,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { ContextIdFactory, LazyModuleLoader, ModuleRef } from '@nestjs/core';
import { z } from 'zod';
import {
  FromKey,
  getKviToken,
  HmEtcdModule,
  InvalidArgumentError,
  type Kvi,
  KviService,
  type LiveValue,
  UnavailableError,
} from '../../lib/index.js';
import { LIVE_VALUE, NO_VALUE } from '../../lib/nest/hmetcd.messages.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { close, closeAll, start } from './support/apps.js';
import { newStore, openOn, type Place } from './support/stores.js';
import { startHttp } from './support/http.js';

let place: Place;
let kvi: Kvi;
let logger: RecordingLogger;

beforeEach(async () => {
  place = newStore();
  logger = new RecordingLogger();
  kvi = await openOn(place);
});

afterEach(async () => {
  await closeAll();
  await kvi.close();
});

const forRoot = () => HmEtcdModule.forRoot({ ...place, logger });

const Limits = z.object({ cpu: z.number() });
type Limits = z.infer<typeof Limits>;

@Injectable()
class Service {
  @FromKey('limits', { parse: Limits }) readonly limits!: LiveValue<Limits>;
  readonly inConstructor: string;

  constructor(@FromKey('title', { default: 'none' }) readonly title: LiveValue<string>) {
    this.inConstructor = title.value;
  }
}

const storeLimits = (cpu: number): Promise<void> => kvi.store('limits', JSON.stringify({ cpu }));

async function startAs<T>(service: Type<T>, metadata: ModuleMetadata = {}) {
  const app = await start({ imports: [forRoot()], providers: [service], ...metadata });
  return { app, service: app.get(service) };
}

describe('a value that is injected', () => {
  it('is there in the constructor, and in a property, and follows its key', async () => {
    await kvi.store('title', 'first');
    await storeLimits(1);
    const { service } = await startAs(Service);
    expect([service.inConstructor, service.limits.value]).toEqual(['first', { cpu: 1 }]);
    await kvi.store('title', 'second');
    await storeLimits(2);
    await Promise.all([service.title.sync(), service.limits.sync()]);
    expect([service.title.value, service.limits.value]).toEqual(['second', { cpu: 2 }]);
  });

  it('ends with the connection, and keeps its value', async () => {
    await storeLimits(1);
    const { app, service } = await startAs(Service);
    expect(service.limits.isCurrent).toBe(true);
    await close(app);
    expect(service.limits.isCurrent).toBe(false);
    expect(service.limits.staleSince).toBeInstanceOf(Date);
    expect(service.limits.value).toEqual({ cpu: 1 });
  });

  it('is inherited', async () => {
    await storeLimits(1);
    @Injectable()
    class Child extends Service {
      @FromKey('more', { default: 'more' }) readonly more!: LiveValue<string>;
    }
    const { service } = await startAs(Child);
    expect([service.limits.value, service.title.value, service.more.value]).toEqual([
      { cpu: 1 },
      'none',
      'more',
    ]);
  });

  it('may be injected several times, beside others', async () => {
    @Injectable()
    class Several {
      constructor(
        @FromKey('a', { default: 'a' }) readonly a: LiveValue<string>,
        readonly service: KviService,
        @FromKey('b', { default: 'b' }) readonly b: LiveValue<string>,
      ) {}
    }
    const { service } = await startAs(Several);
    expect([service.a.value, service.b.value]).toEqual(['a', 'b']);
    expect(service.service).toBeInstanceOf(KviService);
  });

  it('is one object for all who want the same, and another for whoever wants it otherwise', async () => {
    const parse = (text: string): number => Number(text);
    @Injectable()
    class One {
      @FromKey('key', { default: 'x' }) readonly text!: LiveValue<string>;
      @FromKey('key', { parse, default: 1 }) readonly number!: LiveValue<number>;
      @FromKey('key', { parse, default: 2 }) readonly another!: LiveValue<number>;
    }
    @Injectable()
    class Two {
      constructor(
        @FromKey('key', { default: 'x' }) readonly text: LiveValue<string>,
        @FromKey('key', { parse, default: 1 }) readonly number: LiveValue<number>,
        @FromKey('other', { parse, default: 1 }) readonly other: LiveValue<number>,
      ) {}
    }
    const { app, service: one } = await startAs(One, { providers: [One, Two] });
    const two = app.get(Two);
    expect(two.text).toBe(one.text);
    expect(two.number).toBe(one.number);
    expect(new Set([one.text, one.number, one.another, two.other]).size).toBe(4);
  });

  it('is there in the classes of modules that are loaded after forRoot() was called', async () => {
    const connection = forRoot();
    @Injectable()
    class Late {
      constructor(@FromKey('late', { default: 'late' }) readonly value: LiveValue<string>) {}
    }
    @Module({ providers: [Late], exports: [Late] })
    class LateModule {}
    const app = await start({ imports: [connection, LateModule] });
    expect(app.get(Late).value.value).toBe('late');
  });

  it('is there in onModuleInit of every class', async () => {
    @Injectable()
    class Eager implements OnModuleInit {
      seen: unknown;

      constructor(@FromKey('key', { default: 'x' }) readonly value: LiveValue<string>) {}

      onModuleInit(): void {
        this.seen = this.value.value;
      }
    }
    await kvi.store('key', 'y');
    const { service } = await startAs(Eager);
    expect(service.seen).toBe('y');
  });

  it('comes from the connection that is named', async () => {
    const billing = newStore();
    const other = await openOn(billing);
    await other.store('key', 'of billing');
    await kvi.store('key', 'unnamed');
    @Injectable()
    class Both {
      @FromKey('key') readonly plain!: LiveValue<string>;
      @FromKey('key', { connection: 'billing' }) readonly billed!: LiveValue<string>;
    }
    const app = await start({
      imports: [forRoot(), HmEtcdModule.forRoot({ name: 'billing', ...billing, logger })],
      providers: [Both],
    });
    expect([app.get(Both).plain.value, app.get(Both).billed.value]).toEqual(['unnamed', 'of billing']);
    await other.close();
  });

  it('comes from the connection that is named in a request-scoped class too', async () => {
    const billing = newStore();
    const other = await openOn(billing);
    await other.store('key', 'of billing');
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      @FromKey('key', { connection: 'billing' }) readonly billed!: LiveValue<string>;
    }
    const app = await start({
      imports: [forRoot(), HmEtcdModule.forRoot({ name: 'billing', ...billing, logger })],
      providers: [Scoped],
    });
    expect((await app.resolve(Scoped)).billed.value).toBe('of billing');
    await other.close();
  });

  it('may be undefined by default', async () => {
    @Injectable()
    class Optional {
      @FromKey('key', { default: undefined }) readonly value!: LiveValue<string | undefined>;
    }
    const { service } = await startAs(Optional);
    expect(service.value.value).toBeUndefined();
    await kvi.store('key', 'there');
    await service.value.sync();
    expect(service.value.value).toBe('there');
  });

  it('comes over a connection of forRootAsync, and one that is not global', async () => {
    await storeLimits(1);
    @Module({
      imports: [HmEtcdModule.forRootAsync({ isGlobal: false, useFactory: () => ({ ...place, logger }) })],
      providers: [Service],
    })
    class Feature {}
    const app = await start({ imports: [Feature] });
    expect(app.get(Service).limits.value).toEqual({ cpu: 1 });
  });

  it('belongs to one of two applications that share the module object', async () => {
    await storeLimits(1);
    const connection = forRoot();
    const apps = [
      await start({ imports: [connection], providers: [Service] }),
      await start({ imports: [connection], providers: [Service] }),
    ];
    const [one, two] = apps.map((app) => app.get(Service).limits);
    expect(one).not.toBe(two);
    await close(apps[0]!);
    expect([one!.isCurrent, two!.isCurrent]).toEqual([false, true]);
  });
});

describe('a value in a class of another kind', () => {
  it.each([Scope.REQUEST, Scope.TRANSIENT])('is there: scope %s', async (scope) => {
    @Injectable({ scope })
    class Scoped {
      @FromKey('property', { default: 'p' }) readonly property!: LiveValue<string>;

      constructor(@FromKey('parameter', { default: 'c' }) readonly parameter: LiveValue<string>) {}
    }
    const app = await start({ imports: [forRoot()], providers: [Scoped] });
    const resolve = (): Promise<Scoped> => app.resolve(Scoped, ContextIdFactory.create());
    const [one, two] = [await resolve(), await resolve()];
    expect(one).not.toBe(two);
    expect([one.property.value, one.parameter.value]).toEqual(['p', 'c']);
    expect([two.property, two.parameter]).toEqual([one.property, one.parameter]);
    expect(two.property).toBe(one.property);
  });

  it('is there in a transient class that others use, one value for all', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient {
      constructor(@FromKey('key', { default: 'x' }) readonly value: LiveValue<string>) {}
    }
    @Injectable()
    class One {
      constructor(@Inject(Transient) readonly transient: Transient) {}
    }
    @Injectable()
    class Two {
      constructor(@Inject(Transient) readonly transient: Transient) {}
    }
    const { app, service: one } = await startAs(One, { providers: [Transient, One, Two] });
    expect(app.get(Two).transient).not.toBe(one.transient);
    expect(app.get(Two).transient.value).toBe(one.transient.value);
    expect(one.transient.value.value).toBe('x');
  });

  it('is there in a controller, a guard and a middleware, of requests too', async () => {
    @Injectable()
    class Guard implements CanActivate {
      constructor(@FromKey('open', { default: 'yes' }) readonly isOpen: LiveValue<string>) {}

      canActivate(): boolean {
        return this.isOpen.value === 'yes';
      }
    }
    @Injectable()
    class Middleware implements NestMiddleware {
      @FromKey('header', { default: 'none' }) readonly header!: LiveValue<string>;

      use(_request: unknown, response: { setHeader(name: string, value: string): void }, next: () => void) {
        response.setHeader('x-live', this.header.value);
        next();
      }
    }
    @Controller({ scope: Scope.REQUEST })
    @UseGuards(Guard)
    class Route {
      constructor(@FromKey('text', { default: 'text' }) readonly text: LiveValue<string>) {}

      @Get()
      get(): string {
        return this.text.value;
      }
    }
    @Module({ imports: [forRoot()], controllers: [Route] })
    class App {
      configure(consumer: MiddlewareConsumer): void {
        consumer.apply(Middleware).forRoutes(Route);
      }
    }
    const { fetch } = await startHttp({ imports: [App] });
    const response = await fetch('/');
    expect([response.headers.get('x-live'), await response.text()]).toEqual(['none', 'text']);
  });

  it('is there in a class that is made at run time', async () => {
    class Dynamic {
      constructor(@FromKey('key', { default: 'x' }) readonly value: LiveValue<string>) {}
    }
    const app = await start({ imports: [forRoot()] });
    const made = await app.get(ModuleRef).create(Dynamic);
    expect(made.value.value).toBe('x');
  });

  it('of a lazily loaded module is there where the class was decorated before the start', async () => {
    @Injectable()
    class Lazy {
      constructor(@FromKey('key', { default: 'x' }) readonly value: LiveValue<string>) {}
    }
    @Module({ providers: [Lazy] })
    class LazyModule {}
    const app = await start({ imports: [forRoot()] });
    const loaded = await app.get(LazyModuleLoader).load(() => LazyModule);
    expect(loaded.get(Lazy).value.value).toBe('x');
  });
});

describe('a start', () => {
  class Wanting {
    @FromKey('wanted', { parse: Limits }) readonly value!: LiveValue<Limits>;
  }

  @Injectable()
  class ByProperty extends Wanting {}

  @Injectable()
  class ByParameter {
    constructor(@FromKey('wanted', { parse: Limits }) readonly value: LiveValue<Limits>) {}
  }

  @Injectable({ scope: Scope.REQUEST })
  class ForRequests extends Wanting {}

  const ISSUE = 'the schema refused cpu';

  it.each<[string, Type, string]>([
    ['a property', ByProperty, 'Wanting.value'],
    ['a parameter', ByParameter, 'ByParameter'],
    ['a property of a request-scoped class', ForRequests, 'Wanting.value'],
  ])('fails where there is no value for %s', async (_title, service, owner) => {
    const starting = startAs(service);
    await expect(starting).rejects.toThrow(InvalidArgumentError);
    await expect(starting).rejects.toThrow(NO_VALUE('wanted', owner, undefined));
  });

  it.each<[string, Type, string]>([
    ['a property', ByProperty, 'Wanting.value'],
    ['a parameter', ByParameter, 'ByParameter'],
    ['a property of a request-scoped class', ForRequests, 'Wanting.value'],
  ])('fails where there is no good value for %s, without telling it', async (_title, service, owner) => {
    await kvi.store('wanted', '{"cpu": "a secret"}');
    const starting = startAs(service);
    await expect(starting).rejects.toThrow(NO_VALUE('wanted', owner, ISSUE));
    expect(await starting.catch((error: Error) => error.stack)).not.toContain('secret');
  });

  it('that fails so leaves no connection open', async () => {
    await expect(startAs(ByParameter)).rejects.toThrow(InvalidArgumentError);
    expect(logger.at('log').at(-1)).toMatch(/^Closed/);
  });

  it('does not ask for the keys of classes that the application does not have', async () => {
    @Injectable()
    class Other {
      readonly name = 'other';
    }
    await expect(startAs(Other)).resolves.toBeDefined();
    expect(logger.at('error')).toEqual([]);
  });

  @Injectable()
  class Billing {
    constructor(@FromKey('key', { connection: 'billing' }) readonly value: LiveValue<string>) {}
  }

  it('fails where no module defines the connection, and says which', async () => {
    await expect(startAs(Billing)).rejects.toThrow(LIVE_VALUE('key', 'billing'));
    await expect(startAs(Billing)).rejects.toThrow(
      /connection 'billing', which @FromKey\('key'\) needs: import HmEtcdModule\.forRoot\({ name: 'billing', endpoint }\)/,
    );
    await expect(start({ providers: [Service] })).rejects.toThrow(LIVE_VALUE('title', undefined));
  });

  it('fails so for a request-scoped class too', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped extends Billing {}
    await expect(startAs(Scoped)).rejects.toThrow(LIVE_VALUE('key', 'billing'));
  });
});

describe('a connection that is a mock', () => {
  @Injectable()
  class Mocked {
    @FromKey('number', { parse: Number, default: 1 }) readonly number!: LiveValue<number>;
    @FromKey('text', { default: 'none' }) readonly text!: LiveValue<string>;
  }

  const startWith = (mock: object, service: Type = Mocked) =>
    start({ imports: [forRoot()], providers: [service] }, (builder) =>
      builder.overrideProvider(KviService).useValue(mock),
    );

  it.each<[string, object]>([
    ['knows nothing', {}],
    ['answers nothing', { observe: () => undefined }],
    ['answers something else', { observe: () => ({}) }],
  ])('and %s gives the defaults', async (_title, mock) => {
    const app = await startWith(mock);
    expect([app.get(Mocked).number.value, app.get(Mocked).text.value]).toEqual([1, 'none']);
  });

  it('may answer a map', async () => {
    const app = await startWith({ observe: async () => new Map([['number', '5']]) });
    expect([app.get(Mocked).number.value, app.get(Mocked).text.value]).toEqual([5, 'none']);
  });

  it('fails the start where there is no default', async () => {
    await expect(startWith({}, Service)).rejects.toThrow(NO_VALUE('limits', 'Service.limits', undefined));
  });

  it('whose failure fails the start', async () => {
    const broken = new UnavailableError('nobody answers');
    await expect(startWith({ observe: () => Promise.reject(broken) })).rejects.toBe(broken);
  });

  it('of one name leaves the others alone', async () => {
    @Injectable()
    class Billing {
      @FromKey('key', { connection: 'billing', default: 'x' }) readonly billed!: LiveValue<string>;
      @FromKey('key', { default: 'y' }) readonly plain!: LiveValue<string>;
    }
    await kvi.store('key', 'stored');
    const app = await start(
      {
        imports: [forRoot(), HmEtcdModule.forRoot({ name: 'billing', ...newStore() })],
        providers: [Billing],
      },
      (builder) => builder.overrideProvider(getKviToken('billing')).useValue({}),
    );
    expect([app.get(Billing).billed.value, app.get(Billing).plain.value]).toEqual(['x', 'stored']);
  });
});
