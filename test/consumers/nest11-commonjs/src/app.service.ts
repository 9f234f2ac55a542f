import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { DistLocked, type KeyChange, KviService, OnKeyChange, PUT } from 'nestjs-hmetcd';
import { Subject } from 'rxjs';

/** Hands out numbered tickets. */
@Injectable()
export class AppService {
  /** The tickets that any instance handed out. */
  readonly taken = new Subject<number>();

  constructor(private readonly kvi: KviService) {}

  /** Reads, pauses, then writes: without the lock, concurrent calls would hand out one number twice. */
  @DistLocked(10, { name: 'ticket-lock' })
  async takeTicket(): Promise<number> {
    const ticket = Number((await this.kvi.get('last-ticket')) ?? '0') + 1;
    await setImmediate();
    await this.kvi.store('last-ticket', String(ticket));
    return ticket;
  }

  /** Under the same lock, taken by hand. */
  async startOver(): Promise<void> {
    await using lock = await this.kvi.lock('ticket-lock', { timeoutSec: 10 });
    await this.kvi.delete('last-ticket');
    lock.assertHeld();
  }

  @OnKeyChange('last-ticket', PUT)
  ticketTaken(change: KeyChange): void {
    this.taken.next(Number(change.value));
  }
}
