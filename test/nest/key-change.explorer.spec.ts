import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  type CallHandler,
  type CanActivate,
  Controller,
  Get,
  Inject,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type ModuleMetadata,
  type NestInterceptor,
  type NestMiddleware,
  Scope,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { APP_GUARD, LazyModuleLoader } from '@nestjs/core';
import {
  DELETE,
  getKviToken,
  HmEtcdModule,
  InvalidArgumentError,
  KviService,
  OnKeyChange,
  PUT,
  type KeyChange,
} from '../../lib/index.js';
import { REQUEST_SCOPED_HANDLER } from '../../lib/nest/hmetcd.messages.js';
import { closeAll, start } from './support/apps.js';
import { Journal } from './support/deferred.js';
import { startHttp } from './support/http.js';
import { newStore } from './support/stores.js';

afterEach(closeAll);

/** The calls of every handler below, in their order. */
let calls: Journal<string>;

beforeEach(() => {
  calls = new Journal();
});

const record = (handler: string, { key, value }: KeyChange): void => calls.add(`${handler} ${key}=${value}`);

class Handles {
  @OnKeyChange('key')
  changed(change: KeyChange): void {
    record(this.constructor.name, change);
  }
}

@Injectable()
class Watcher extends Handles {}

/** Starts, changes the key, and waits for the calls of a handler that is found without fail, started last. */
async function callsIn({ imports = [], ...metadata }: ModuleMetadata): Promise<string[]> {
  const app = await start({ imports: [HmEtcdModule.forRoot(newStore()), ...imports], ...metadata });
  await changeKey(app.get(KviService));
  return calls.entries;
}

/** A handler that is called twice is called so before the second change is seen. */
async function changeKey(kvi: KviService): Promise<void> {
  const last = kvi.changes('key');
  await kvi.store('key', '1');
  await last.next();
  await kvi.store('key', '2');
  await last.next();
  await last.return?.();
  await calls.reaches(2);
  await new Promise(setImmediate);
}

const once = (name: string) => [`${name} key=1`, `${name} key=2`];

describe('the handlers of an application', () => {
  it.each<[string, ModuleMetadata]>([
    ['a provider', { providers: [Watcher] }],
    ['a value', { providers: [{ provide: 'watcher', useValue: new Watcher() }] }],
    ["a factory's answer", { providers: [{ provide: 'watcher', useFactory: () => new Watcher() }] }],
  ])('are found in %s', async (_title, metadata) => {
    expect(await callsIn(metadata)).toEqual(once('Watcher'));
  });

  it('are found in a controller', async () => {
    @Controller()
    class WatchingController extends Watcher {}
    expect(await callsIn({ controllers: [WatchingController] })).toEqual(once('WatchingController'));
  });

  it('are found in a module class', async () => {
    @Module({})
    class WatchingModule extends Handles {}
    expect(await callsIn({ imports: [WatchingModule] })).toEqual(once('WatchingModule'));
  });

  it('are found in a guard and in an interceptor', async () => {
    @Injectable()
    class Guard extends Watcher implements CanActivate {
      canActivate(): boolean {
        return true;
      }
    }
    @Injectable()
    class Interceptor extends Watcher implements NestInterceptor {
      intercept(_context: unknown, next: CallHandler) {
        return next.handle();
      }
    }
    @Controller()
    @UseGuards(Guard)
    class Guarded {
      @Get()
      @UseInterceptors(Interceptor)
      get(): void {}
    }
    const found = await callsIn({ controllers: [Guarded] });
    expect(found.toSorted()).toEqual([...once('Guard'), ...once('Interceptor')].toSorted());
  });

  it('are found in a global guard that is an alias of a provider, once', async () => {
    @Injectable()
    class Guard extends Watcher implements CanActivate {
      canActivate(): boolean {
        return true;
      }
    }
    const providers = [Guard, { provide: APP_GUARD, useExisting: Guard }];
    expect(await callsIn({ providers })).toEqual(once('Guard'));
  });

  it('are found in a middleware', async () => {
    @Injectable()
    class Middleware extends Watcher implements NestMiddleware {
      use(_request: unknown, _response: unknown, next: () => void): void {
        next();
      }
    }
    @Controller()
    class Route {
      @Get()
      get(): void {}
    }
    @Module({ imports: [HmEtcdModule.forRoot(newStore())], controllers: [Route] })
    class App {
      configure(consumer: MiddlewareConsumer): void {
        consumer.apply(Middleware).forRoutes(Route);
      }
    }
    const { app } = await startHttp({ imports: [App] });
    await changeKey(app.get(KviService));
    expect(calls.entries).toEqual(once('Middleware'));
  });

  it.each<[string, () => ModuleMetadata]>([
    ['an alias', () => ({ providers: [Watcher, { provide: 'again', useExisting: Watcher }] })],
    [
      'a factory that answers it again',
      () => ({
        providers: [
          Watcher,
          { provide: 'again', useFactory: (watcher: Watcher) => watcher, inject: [Watcher] },
        ],
      }),
    ],
    [
      'a module that two modules import',
      () => {
        @Module({ providers: [Watcher], exports: [Watcher] })
        class Feature {}
        @Module({ imports: [Feature] })
        class One {}
        @Module({ imports: [Feature] })
        class Two {}
        return { imports: [Feature, One, Two] };
      },
    ],
    [
      'a connection that two modules import',
      () => {
        const billing = HmEtcdModule.forRoot({ name: 'billing', ...newStore() });
        @Module({ imports: [billing] })
        class One {}
        @Module({ imports: [billing] })
        class Two {}
        return { imports: [One, Two], providers: [Watcher] };
      },
    ],
  ])('are started once in spite of %s', async (_title, metadata) => {
    expect(await callsIn(metadata())).toEqual(once('Watcher'));
  });

  it('are started for each object of a class', async () => {
    const found = await callsIn({ providers: [Watcher, { provide: 'another', useClass: Watcher }] });
    expect(found.toSorted()).toEqual([...once('Watcher'), ...once('Watcher')].toSorted());
  });

  it('are started for each object of a transient class', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient extends Watcher {}
    @Injectable()
    class One {
      constructor(@Inject(Transient) readonly watcher: Transient) {}
    }
    @Injectable()
    class Two {
      constructor(@Inject(Transient) readonly watcher: Transient) {}
    }
    const found = await callsIn({ providers: [Transient, One, Two] });
    expect(found.toSorted()).toEqual([...once('Transient'), ...once('Transient')].toSorted());
  });

  it('are not looked for in null, text, functions and objects without a prototype', async () => {
    const values = [Object.create(null), null, undefined, 'text', Watcher, () => {}, Symbol('x')];
    const providers = values.map((useValue: unknown, index) => ({ provide: `value ${index}`, useValue }));
    expect(await callsIn({ providers: [...providers, Watcher] })).toEqual(once('Watcher'));
  });

  it('are inherited; overriding without the decorator drops them, overriding with it replaces them', async () => {
    @Injectable()
    class Inherits extends Watcher {}
    @Injectable()
    class Drops extends Watcher {
      override changed(change: KeyChange): void {
        record('dropped', change);
      }
    }
    @Injectable()
    class Replaces extends Watcher {
      @OnKeyChange('key', PUT)
      override changed(change: KeyChange): void {
        record('Replaced', change);
      }
    }
    const found = await callsIn({ providers: [Inherits, Drops, Replaces] });
    expect(found.toSorted()).toEqual([...once('Inherits'), ...once('Replaced')].toSorted());
  });

  it('may be a spy that was put there after the start', async () => {
    const app = await start({ imports: [HmEtcdModule.forRoot(newStore())], providers: [Watcher] });
    const spy = jest.spyOn(app.get(Watcher), 'changed');
    await changeKey(app.get(KviService));
    expect(spy).toHaveBeenCalledTimes(2);
  });
});

describe('several @OnKeyChange', () => {
  it('on one method call it for each', async () => {
    @Injectable()
    class Several {
      @OnKeyChange('key')
      @OnKeyChange({ prefix: 'k' })
      @OnKeyChange('other')
      @OnKeyChange('key', DELETE)
      changed(change: KeyChange): void {
        record('Several', change);
      }
    }
    const found = await callsIn({ providers: [Several] });
    await calls.reaches(4);
    expect(found.toSorted()).toEqual([...once('Several'), ...once('Several')].toSorted());
  });

  it('on one method may name different connections', async () => {
    @Injectable()
    class Several {
      @OnKeyChange('key')
      @OnKeyChange('key', undefined, { connection: 'billing' })
      changed(change: KeyChange): void {
        record('Several', change);
      }
    }
    const app = await start({
      imports: [HmEtcdModule.forRoot(newStore()), HmEtcdModule.forRoot({ name: 'billing', ...newStore() })],
      providers: [Several],
    });
    await app.get(KviService).store('key', 'plain');
    await calls.reaches(1);
    await app.get<KviService>(getKviToken('billing')).store('key', 'billing');
    expect(await calls.reaches(2)).toEqual(['Several key=plain', 'Several key=billing']);
  });

  it('on several methods of a class call each', async () => {
    @Injectable()
    class Several {
      @OnKeyChange('key', PUT)
      stored(change: KeyChange): void {
        record('stored', change);
      }

      @OnKeyChange('key', DELETE)
      deleted(change: KeyChange): void {
        record('deleted', change);
      }
    }
    const app = await start({ imports: [HmEtcdModule.forRoot(newStore())], providers: [Several] });
    await app.get(KviService).store('key', 'value');
    await calls.reaches(1);
    await app.get(KviService).delete('key');
    expect(await calls.reaches(2)).toEqual(['stored key=value', 'deleted key=undefined']);
  });
});

describe('a handler in a class without a lasting object', () => {
  const refusal = REQUEST_SCOPED_HANDLER('Scoped.changed', '@OnKeyChange');
  const refusalOfStart = async (metadata: ModuleMetadata): Promise<unknown> =>
    start({ imports: [HmEtcdModule.forRoot(newStore())], ...metadata }).then(
      () => 'started',
      (error: unknown) => error,
    );

  it.each([
    ['request-scoped', Scope.REQUEST],
    ['transient and unused', Scope.TRANSIENT],
  ])('is refused by class and method: %s', async (_title, scope) => {
    @Injectable({ scope })
    class Scoped extends Watcher {}
    const error = await refusalOfStart({ providers: [Scoped] });
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toHaveProperty('message', expect.stringContaining(refusal));
  });

  it('is refused where the class depends on a request-scoped one', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Dependency {}
    @Injectable()
    class Scoped extends Watcher {
      constructor(@Inject(Dependency) readonly dependency: Dependency) {
        super();
      }
    }
    const error = await refusalOfStart({ providers: [Dependency, Scoped] });
    expect(error).toHaveProperty('message', expect.stringContaining(refusal));
  });

  it('is refused in a request-scoped controller', async () => {
    @Controller({ scope: Scope.REQUEST })
    class Scoped extends Watcher {}
    const error = await refusalOfStart({ controllers: [Scoped] });
    expect(error).toHaveProperty('message', expect.stringContaining(refusal));
  });
});

describe('a module that is loaded lazily', () => {
  it('has no handlers called, but its classes are made', async () => {
    @Module({ providers: [Watcher] })
    class Lazy {}
    const app = await start({ imports: [HmEtcdModule.forRoot(newStore())] });
    const loaded = await app.get(LazyModuleLoader).load(() => Lazy);
    const kvi = app.get(KviService);
    await kvi.watchWithCB('key', PUT, (key, value) => calls.add(`callback ${key}=${value}`));
    await changeKey(kvi);
    expect(loaded.get(Watcher)).toBeInstanceOf(Watcher);
    expect(calls.entries).toEqual(once('callback'));
  });
});
