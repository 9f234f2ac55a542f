import { expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { currentLock } from 'nestjs-hmetcd';
import { Billing, NightlyInvoices } from '../../sample/recipes/cron-job.js';
import { Fleet } from './support/fleet.js';

class RecordedBilling extends Billing {
  readonly invoiced: string[] = [];
  during: (customer: string) => Promise<void> = async () => {};

  async invoice(customer: string, idempotencyKey: string): Promise<void> {
    await this.during(customer);
    this.invoiced.push(idempotencyKey.slice('2000-01-01 '.length));
  }
}

const startReplica = (fleet: Fleet, billing: Billing): Promise<INestApplicationContext> =>
  fleet.replica({
    imports: [ScheduleModule.forRoot()],
    providers: [NightlyInvoices, { provide: Billing, useValue: billing }],
  });

/** As the clock of a replica does at three; resolves when its run is over. */
const tick = (replica: INestApplicationContext): Promise<void> =>
  replica.get(SchedulerRegistry).getCronJob('nightly-invoices').fireOnTick();

async function startFleet(customers: string[]) {
  const fleet = new Fleet();
  const operator = await fleet.operator();
  for (const customer of customers) await operator.store(`customers/${customer}`, '');
  const billing = new RecordedBilling();
  const replicas = [await startReplica(fleet, billing), await startReplica(fleet, billing)] as const;
  return { fleet, operator, billing, replicas };
}

it('runs on one replica a tick, also when the other comes after the first has finished', async () => {
  const { operator, billing, replicas } = await startFleet(['alice', 'bob']);
  await tick(replicas[0]);
  expect(billing.invoiced).toEqual(['alice', 'bob']);
  // What was written down would hide a second run.
  await operator.delete('invoiced/alice');
  await tick(replicas[1]);
  expect(billing.invoiced).toEqual(['alice', 'bob']);
});

it('runs on the other replica when the lock is free again, and goes on where the first was lost', async () => {
  const { fleet, operator, billing, replicas } = await startFleet(['alice', 'bob', 'carol']);
  billing.during = async (customer) => {
    if (customer !== 'bob') return;
    billing.during = async () => {};
    const lock = currentLock()!;
    await operator.delete(lock.key); // as an operator does, or the end of its lease
    while (lock.isHeld) await new Promise((resolve) => lock.signal.addEventListener('abort', resolve));
  };
  await tick(replicas[0]);
  expect(fleet.logger.at('error').join()).toMatch(/LockLostError/);
  expect(billing.invoiced).toEqual(['alice', 'bob']);
  await tick(replicas[1]);
  // Once more for him: nobody could write down that he had been sent his. The key tells the second from the first.
  expect(billing.invoiced).toEqual(['alice', 'bob', 'bob', 'carol']);
});
