import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  type CallHandler,
  type CanActivate,
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  type ModuleMetadata,
  type NestInterceptor,
  Scope,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { APP_GUARD, LazyModuleLoader } from '@nestjs/core';
import {
  HmEtcdModule,
  InvalidArgumentError,
  KviService,
  OnDeposed,
  OnElected,
  type LeaderTerm,
} from '../../lib/index.js';
import {
  CONNECTION_PROPERTY,
  REQUEST_SCOPED_HANDLER,
  UNKNOWN_CONNECTION,
} from '../../lib/nest/hmetcd.messages.js';
import { close, closeAll, start } from './support/apps.js';
import { newStore } from './support/stores.js';
import { Journal } from './support/deferred.js';

afterEach(closeAll);

/** The calls of every method below, in their order. */
let calls: Journal<string>;

beforeEach(() => {
  calls = new Journal();
});

class Leads {
  @OnElected('leader')
  elected({ name }: LeaderTerm): void {
    calls.add(`${this.constructor.name} elected ${name}`);
  }

  @OnDeposed('leader')
  deposed({ name }: LeaderTerm): void {
    calls.add(`${this.constructor.name} deposed ${name}`);
  }
}

@Injectable()
class Leader extends Leads {}

@Injectable()
class Guard extends Leads implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

/** Who is called in an application that is elected, and then closed. */
async function callsIn({ imports = [], ...metadata }: ModuleMetadata): Promise<string[]> {
  const app = await start({ imports: [HmEtcdModule.forRoot(newStore()), ...imports], ...metadata });
  await calls.reaches(1);
  await close(app);
  return calls.entries;
}

const once = (name: string) => [`${name} elected leader`, `${name} deposed leader`];

describe('the candidates of an application', () => {
  it.each<[string, ModuleMetadata]>([
    ['a provider', { providers: [Leader] }],
    ['a value', { providers: [{ provide: 'leader', useValue: new Leader() }] }],
    ["a factory's answer", { providers: [{ provide: 'leader', useFactory: () => new Leader() }] }],
  ])('are found in %s', async (_title, metadata) => {
    expect(await callsIn(metadata)).toEqual(once('Leader'));
  });

  it('are found in a controller', async () => {
    @Controller()
    class LeadingController extends Leads {}
    expect(await callsIn({ controllers: [LeadingController] })).toEqual(once('LeadingController'));
  });

  it('are found in a module class', async () => {
    @Module({})
    class LeadingModule extends Leads {}
    expect(await callsIn({ imports: [LeadingModule] })).toEqual(once('LeadingModule'));
  });

  it('are found in a guard and in an interceptor', async () => {
    @Injectable()
    class Interceptor extends Leads implements NestInterceptor {
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

  it.each<[string, ModuleMetadata, string]>([
    ['an alias', { providers: [Leader, { provide: 'again', useExisting: Leader }] }, 'Leader'],
    [
      'a factory that answers it again',
      {
        providers: [Leader, { provide: 'again', useFactory: (leader: Leader) => leader, inject: [Leader] }],
      },
      'Leader',
    ],
    [
      'a global guard that is an alias of a provider',
      { providers: [Guard, { provide: APP_GUARD, useExisting: Guard }] },
      'Guard',
    ],
  ])('are called once in spite of %s', async (_title, metadata, name) => {
    expect(await callsIn(metadata)).toEqual(once(name));
  });

  it('are called for each object of a class', async () => {
    const found = await callsIn({ providers: [Leader, { provide: 'another', useClass: Leader }] });
    expect(found.toSorted()).toEqual([...once('Leader'), ...once('Leader')].toSorted());
  });

  it('are called for each object of a transient class', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient extends Leads {}
    @Injectable()
    class One {
      constructor(@Inject(Transient) readonly leader: Transient) {}
    }
    @Injectable()
    class Two {
      constructor(@Inject(Transient) readonly leader: Transient) {}
    }
    const found = await callsIn({ providers: [Transient, One, Two] });
    expect(found.toSorted()).toEqual([...once('Transient'), ...once('Transient')].toSorted());
  });

  it('are not looked for in null, text, functions and objects without a prototype', async () => {
    const values = [Object.create(null), null, undefined, 'text', Leader, () => {}, Symbol('x')];
    const providers = values.map((useValue: unknown, index) => ({ provide: `value ${index}`, useValue }));
    expect(await callsIn({ providers: [...providers, Leader] })).toEqual(once('Leader'));
  });

  it('are inherited; overriding without the decorator drops them, overriding with it replaces them', async () => {
    @Injectable()
    class Drops extends Leader {
      override elected(): void {
        calls.add('dropped');
      }
    }
    @Injectable()
    class Replaces extends Leader {
      @OnElected('leader')
      override elected(): void {
        calls.add('replaced');
      }
    }
    const found = await callsIn({ providers: [Drops, Replaces] });
    expect(found).toEqual(['replaced', 'Drops deposed leader', 'Replaces deposed leader']);
  });

  it('may be spies that were put there after the start', async () => {
    const app = await start({ imports: [HmEtcdModule.forRoot(newStore())], providers: [Leader] });
    const spy = jest.spyOn(app.get(Leader), 'deposed');
    await calls.reaches(1);
    await close(app);
    expect(spy).toHaveBeenCalledTimes(1);
  });

  it('may be one method that is elected and deposed, for several names', async () => {
    @Injectable()
    class Several {
      @OnElected('a')
      @OnElected('b')
      @OnDeposed('b')
      changed({ name, signal }: LeaderTerm): void {
        calls.add(`${name} ${signal.aborted}`);
      }
    }
    const app = await start({ imports: [HmEtcdModule.forRoot(newStore())], providers: [Several] });
    await calls.reaches(2);
    await close(app);
    expect(calls.entries.toSorted()).toEqual(['a false', 'b false', 'b true']);
  });
});

describe('a candidate in a class without a lasting object', () => {
  it.each<[string, () => ModuleMetadata]>([
    [
      'request-scoped',
      () => {
        @Injectable({ scope: Scope.REQUEST })
        class Scoped {
          @OnElected('leader')
          changed(): void {}
        }
        return { providers: [Scoped] };
      },
    ],
    [
      'transient and unused',
      () => {
        @Injectable({ scope: Scope.TRANSIENT })
        class Scoped {
          @OnElected('leader')
          changed(): void {}
        }
        return { providers: [Scoped] };
      },
    ],
    [
      'a request-scoped controller',
      () => {
        @Controller({ scope: Scope.REQUEST })
        class Scoped {
          @OnElected('leader')
          changed(): void {}
        }
        return { controllers: [Scoped] };
      },
    ],
  ])('is refused by class and method: %s', async (_title, metadata) => {
    const starting = start({ imports: [HmEtcdModule.forRoot(newStore())], ...metadata() });
    await expect(starting).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(starting).rejects.toThrow(REQUEST_SCOPED_HANDLER('Scoped.changed', '@OnElected'));
  });

  it('is refused also where it would only be deposed', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      @OnDeposed('leader')
      changed(): void {}
    }
    const starting = start({ imports: [HmEtcdModule.forRoot(newStore())], providers: [Scoped, Leader] });
    await expect(starting).rejects.toThrow(REQUEST_SCOPED_HANDLER('Scoped.changed', '@OnDeposed'));
  });
});

describe('a candidate on a connection that nobody defines', () => {
  @Injectable()
  class Billing {
    @OnElected('leader', { connection: 'billing' })
    elected(): void {}
  }

  it('fails the start, with what to import', async () => {
    const starting = start({ imports: [HmEtcdModule.forRoot(newStore())], providers: [Billing] });
    await expect(starting).rejects.toThrow(CONNECTION_PROPERTY('billing'));
  });

  it('fails the start also for an object that Nest did not construct', async () => {
    const providers = [{ provide: 'billing', useValue: new Billing() }];
    const starting = start({ imports: [HmEtcdModule.forRoot(newStore())], providers });
    await expect(starting).rejects.toThrow(UNKNOWN_CONNECTION('Billing', 'billing'));
  });
});

describe('a module that is loaded lazily', () => {
  it('has no candidates, but its classes are made', async () => {
    @Module({ providers: [Leader] })
    class Lazy {}
    const app = await start({ imports: [HmEtcdModule.forRoot(newStore())] });
    const loaded = await app.get(LazyModuleLoader).load(() => Lazy);
    const lock = await app.get(KviService).lock('leader', { timeoutSec: 0 });
    await lock.release();
    expect(loaded.get(Leader)).toBeInstanceOf(Leader);
    expect(calls.entries).toEqual([]);
  });
});
