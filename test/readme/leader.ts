import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { type LeaderTerm, OnDeposed, OnElected } from 'nestjs-hmetcd';

@Injectable()
export class Dispatcher {
  leads = false;

  /** Called on one replica; its term lasts until the lock is lost or the application shuts down. */
  @OnElected('dispatcher')
  async lead(term: LeaderTerm): Promise<void> {
    this.leads = true;
    for (let round = 1; !term.signal.aborted; round++) {
      await term.kv.store('dispatch/round', String(round)); // refused by the store once another may lead
      await sleep(1000, undefined, { signal: term.signal });
    }
  }

  /** Called as soon as it is known that this replica leads no more. */
  @OnDeposed('dispatcher')
  stepDown(): void {
    this.leads = false;
  }
}
