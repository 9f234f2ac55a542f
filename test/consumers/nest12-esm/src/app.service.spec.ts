import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Test, TestingModule } from '@nestjs/testing';
import { KviService } from 'nestjs-hmetcd';
import { firstValueFrom, take, toArray } from 'rxjs';
import { AppModule } from './app.module.js';
import { AppService } from './app.service.js';

async function startInstance(): Promise<TestingModule> {
  const instance = await Test.createTestingModule({ imports: [AppModule] }).compile();
  return instance.init();
}

describe('AppService, two instances on one store', () => {
  let instances: TestingModule[];
  let services: AppService[];
  let kvi: KviService;

  beforeEach(async () => {
    instances = [await startInstance(), await startInstance()];
    services = instances.map((instance) => instance.get(AppService));
    kvi = instances[0].get(KviService);
    await services[0].startOver();
  });

  afterEach(async () => {
    await Promise.all(instances.map((instance) => instance.close()));
  });

  it('stores', async () => {
    await services[0].takeTicket();
    expect(await instances[1].get(KviService).get('last-ticket')).toBe('1');
  });

  it('hands out every number once', async () => {
    const calls = Array.from({ length: 20 }, (_, n) => services[n % 2].takeTicket());
    const tickets = await Promise.all(calls);
    expect(tickets.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  });

  it('waits for a lock that another instance holds', async () => {
    const lock = await kvi.lock('ticket-lock', { timeoutSec: 1 });
    const ticket = services[1].takeTicket();
    await kvi.store('last-ticket', '41');
    await lock.release();
    expect(await ticket).toBe(42);
  });

  it('tells every instance of every ticket, in order', async () => {
    const heard = services.map((service) => firstValueFrom(service.taken.pipe(take(3), toArray())));
    for (let n = 0; n < 3; n++) await services[0].takeTicket();
    expect(await Promise.all(heard)).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  it('resolves a watch', async () => {
    const change = kvi.watch('last-ticket');
    await services[1].takeTicket();
    expect(await change).toMatchObject({ key: 'last-ticket', value: '1' });
  });
});
