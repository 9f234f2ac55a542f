/*
 * A cron job on one replica.
 *
 * Every replica has the schedule, and one of them does the work: whichever gets the lock first. The others skip the tick.
 *
 * - `0` is one try for the lock, and `onTimeout: 'skip'` makes the failure no error.
 * - `minHoldSec` keeps the lock for a minute although the job may be done in a second. Without it, a replica whose clock
 *   is behind finds the lock free again and runs the same tick a second time. It must be more than the replicas' clocks
 *   differ, and with that difference less than the time between two ticks.
 * - `maxHoldSec` ends a run that hangs, so that the next night has its turn.
 * - `assertHeld()` before each step and `signal` in each request: a replica that has lost the lock stops there.
 * - What was done is written by `lock.kv`, which the store refuses once another may be at it. A replica that takes over
 *   goes on from there. A step may run twice, when a replica dies between sending and writing it down: give what is
 *   called a key by which it knows the second (an `Idempotency-Key`).
 *
 * A replica that dies within that minute keeps the lock for `sessionTtlSec` and about two seconds, and no longer.
 */
import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { currentLock, DistLocked, KviService } from 'nestjs-hmetcd';

const CUSTOMERS = 'customers/';
const INVOICED = 'invoiced/';

/** Whoever sends the invoices; in your application a client of the billing service. */
export abstract class Billing {
  /** Sends the same invoice once, however often it is called with one `idempotencyKey`. */
  abstract invoice(customer: string, idempotencyKey: string, signal: AbortSignal): Promise<void>;
}

@Injectable()
export class NightlyInvoices {
  constructor(
    private readonly kvi: KviService,
    private readonly billing: Billing,
  ) {}

  /** At three, on one replica. */
  @Cron('0 3 * * *', { name: 'nightly-invoices', waitForCompletion: true })
  @DistLocked(0, { name: 'nightly-invoices', onTimeout: 'skip', minHoldSec: 60, maxHoldSec: 3600 })
  async run(): Promise<void> {
    const lock = currentLock()!;
    const night = new Date().toISOString().slice(0, 10);
    for (const { key } of await this.kvi.getPrefix(CUSTOMERS)) {
      const customer = key.slice(CUSTOMERS.length);
      if ((await this.kvi.get(INVOICED + customer)) === night) continue;
      lock.assertHeld();
      await this.billing.invoice(customer, `${night} ${customer}`, lock.signal);
      await lock.kv.store(INVOICED + customer, night);
    }
  }
}
