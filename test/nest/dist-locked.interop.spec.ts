import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  HttpException,
  Inject,
  Injectable,
  Param,
  ParseIntPipe,
  Scope,
  SetMetadata,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { Reflector, REQUEST } from '@nestjs/core';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { Cron, Interval, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import {
  currentLock,
  DistLocked,
  HmEtcdModule,
  KviService,
  OnKeyChange,
  type KeyChange,
} from '../../lib/index.js';
import { closeAll, start } from './support/apps.js';
import { Deferred, Journal } from './support/deferred.js';
import { startHttp } from './support/http.js';
import { newStore } from './support/stores.js';

afterEach(closeAll);

const LOCK = 'hbtd_dist_lock';
const NEVER = '0 0 1 1 *';
const forRoot = () => HmEtcdModule.forRoot(newStore());

/** Under which lock each call ran. */
abstract class Recording {
  readonly calls = new Journal<string | undefined>();

  protected record(): void {
    this.calls.add(currentLock()?.name);
  }
}

describe('@DistLocked with @nestjs/schedule', () => {
  @Injectable()
  class CronAbove extends Recording {
    @Cron(NEVER, { name: 'job' })
    @DistLocked()
    async job(): Promise<void> {
      this.record();
    }
  }

  @Injectable()
  class CronBelow extends Recording {
    @DistLocked()
    @Cron(NEVER, { name: 'job' })
    async job(): Promise<void> {
      this.record();
    }
  }

  @Injectable()
  class IntervalAbove extends Recording {
    @Interval(5)
    @DistLocked()
    async job(): Promise<void> {
      this.record();
    }
  }

  @Injectable()
  class IntervalBelow extends Recording {
    @DistLocked()
    @Interval(5)
    async job(): Promise<void> {
      this.record();
    }
  }

  const orders = [
    ['first', () => [ScheduleModule.forRoot(), forRoot()]],
    ['last', () => [forRoot(), ScheduleModule.forRoot()]],
  ] as const;

  describe.each(orders)('with ScheduleModule imported %s', (_order, imports) => {
    it.each([CronAbove, CronBelow])('locks the job of %p', async (service) => {
      const app = await start({ imports: imports(), providers: [service] });
      await app.get(SchedulerRegistry).getCronJob('job').fireOnTick();
      expect(await app.get<Recording>(service).calls.reaches(1)).toEqual([LOCK]);
    });

    it.each([IntervalAbove, IntervalBelow])('locks the job of %p', async (service) => {
      const app = await start({ imports: imports(), providers: [service] });
      const calls = await app.get<Recording>(service).calls.reaches(3);
      expect(new Set(calls)).toEqual(new Set([LOCK]));
    });
  });
});

describe('@DistLocked with @nestjs/event-emitter', () => {
  @Injectable()
  class Above extends Recording {
    @OnEvent('ordered')
    @DistLocked()
    async handle(id: string): Promise<string> {
      this.record();
      return id;
    }
  }

  @Injectable()
  class Below extends Recording {
    @DistLocked()
    @OnEvent('ordered')
    async handle(id: string): Promise<string> {
      this.record();
      return id;
    }
  }

  it.each([Above, Below])('locks the listener of %p', async (service) => {
    const app = await start({ imports: [EventEmitterModule.forRoot(), forRoot()], providers: [service] });
    expect(await app.get(EventEmitter2).emitAsync('ordered', 'id')).toEqual(['id']);
    expect(app.get<Recording>(service).calls.entries).toEqual([LOCK]);
  });
});

describe('@DistLocked with @OnKeyChange', () => {
  @Injectable()
  class Above extends Recording {
    @OnKeyChange('key')
    @DistLocked()
    async changed(_change: KeyChange): Promise<void> {
      this.record();
    }
  }

  @Injectable()
  class Below extends Recording {
    @DistLocked()
    @OnKeyChange('key')
    async changed(_change: KeyChange): Promise<void> {
      this.record();
    }
  }

  it.each([Above, Below])('locks the handler of %p', async (service) => {
    const app = await start({ imports: [forRoot()], providers: [service] });
    await app.get(KviService).store('key', 'value');
    expect(await app.get<Recording>(service).calls.reaches(1)).toEqual([LOCK]);
  });
});

describe('@DistLocked on a route', () => {
  @Injectable()
  class RoleGuard implements CanActivate {
    constructor(private readonly reflector: Reflector) {}

    canActivate(context: ExecutionContext): boolean {
      const role = this.reflector.get<string>('role', context.getHandler());
      const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
      return headers['role'] === role;
    }
  }

  @Controller()
  class Above {
    @Get('orders/:id')
    @UseGuards(RoleGuard)
    @SetMetadata('role', 'clerk')
    @DistLocked()
    async order(@Param('id', ParseIntPipe) id: number) {
      return { id, lock: currentLock()?.name };
    }
  }

  @Controller()
  class Below {
    @DistLocked()
    @Get('orders/:id')
    @UseGuards(RoleGuard)
    @SetMetadata('role', 'clerk')
    async order(@Param('id', ParseIntPipe) id: number) {
      return { id, lock: currentLock()?.name };
    }
  }

  @Controller()
  class Between {
    @Get('orders/:id')
    @DistLocked()
    @UseGuards(RoleGuard)
    @SetMetadata('role', 'clerk')
    async order(@Param('id', ParseIntPipe) id: number) {
      return { id, lock: currentLock()?.name };
    }
  }

  @Controller({ scope: Scope.REQUEST })
  class RequestScoped {
    constructor(@Inject(REQUEST) private readonly request: { headers: Record<string, string> }) {}

    @Get('orders/:id')
    @UseGuards(RoleGuard)
    @SetMetadata('role', 'clerk')
    @DistLocked({ name: (id: number) => `order-${id}` })
    async order(@Param('id', ParseIntPipe) id: number) {
      return { id, lock: currentLock()?.name && LOCK, role: this.request.headers['role'] };
    }
  }

  it.each<Type<unknown>[]>([[Above], [Below], [Between], [RequestScoped]])(
    'keeps route, guard, parameters and pipes: %p',
    async (controller) => {
      const { fetch } = await startHttp({ imports: [forRoot()], controllers: [controller] });
      const response = await fetch('/orders/7', { role: 'clerk' });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ id: 7, lock: LOCK });
      expect((await fetch('/orders/7', { role: 'guest' })).status).toBe(403);
      expect((await fetch('/orders/x', { role: 'clerk' })).status).toBe(400);
    },
  );

  it('gives a request-scoped provider behind it its lock', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Service {
      constructor(@Inject(REQUEST) private readonly request: { url: string }) {}

      @DistLocked(5, { name: 'scoped' })
      async method() {
        return { url: this.request.url, lock: currentLock()?.name };
      }
    }
    @Controller()
    class ScopedController {
      constructor(@Inject(Service) private readonly service: Service) {}

      @Get('scoped')
      get() {
        return this.service.method();
      }
    }
    const { fetch } = await startHttp({
      imports: [forRoot()],
      providers: [Service],
      controllers: [ScopedController],
    });
    expect(await (await fetch('/scoped')).json()).toEqual({ url: '/scoped', lock: 'scoped' });
  });

  it('lets an HttpException through to the filters', async () => {
    @Controller()
    class Failing {
      @Get()
      @DistLocked()
      async fail(): Promise<void> {
        throw new HttpException('teapot', 418);
      }
    }
    const { fetch } = await startHttp({ imports: [forRoot()], controllers: [Failing] });
    expect((await fetch('/')).status).toBe(418);
  });

  it('lets one request in at a time', async () => {
    const gate = new Deferred();
    const entered = new Journal<string>();
    @Controller()
    class Slow {
      @Get(':id')
      @DistLocked()
      async get(@Param('id') id: string): Promise<string> {
        entered.add(id);
        await gate.promise;
        return id;
      }
    }
    const { fetch } = await startHttp({ imports: [forRoot()], controllers: [Slow] });
    const responses = [fetch('/1'), fetch('/2')];
    await entered.reaches(1);
    gate.resolve();
    const texts = await Promise.all(responses.map(async (response) => (await response).text()));
    expect(texts.toSorted()).toEqual(['1', '2']);
    expect(entered.entries).toHaveLength(2);
  });
});
