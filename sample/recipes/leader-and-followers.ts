/*
 * A leader that writes, and followers that read.
 *
 * One replica asks the exchange for its rate and writes it down; all of them, the leader too, answer from memory with what
 * was written last. When the leader dies another is elected within `sessionTtlSec` and about two seconds; when it is shut
 * down, at once.
 *
 * - The leader writes by `term.kv`: the store refuses a leader that was cut off or stopped, whatever it believes.
 * - `term.signal` ends what it waits for, so that the next leader need not wait for it.
 * - `isCurrent` and `staleSince` tell a follower that it is cut off itself. That nobody leads it sees by the rate's age.
 * - The name of an election must not be a prefix of data: `exchange-rate-feed` and `rates/…`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import {
  FromKey,
  KviService,
  type LeaderTerm,
  type LiveValue,
  type LockPlace,
  OnDeposed,
  OnElected,
} from 'nestjs-hmetcd';
import { z } from 'zod';

const Rate = z.object({ euro: z.number().positive(), at: z.iso.datetime() });
export type Rate = z.infer<typeof Rate>;

/** Where rates come from; in your application a client of the exchange. */
export abstract class Exchange {
  abstract euro(signal: AbortSignal): Promise<number>;
}

@Injectable()
export class RateFeed {
  isLeading = false;

  constructor(
    private readonly kvi: KviService,
    private readonly exchange: Exchange,
  ) {}

  @OnElected('exchange-rate-feed')
  async lead(term: LeaderTerm): Promise<void> {
    this.isLeading = true;
    while (!term.signal.aborted) {
      const rate: Rate = { euro: await this.exchange.euro(term.signal), at: new Date().toISOString() };
      await term.kv.store('rates/usd', JSON.stringify(rate));
      await sleep(1000, undefined, { signal: term.signal });
    }
  }

  @OnDeposed('exchange-rate-feed')
  stepDown(): void {
    this.isLeading = false;
  }

  /** For a status page, or to send a request on to it; undefined while nobody leads. */
  async leader(): Promise<LockPlace | undefined> {
    return (await this.kvi.lockInfo('exchange-rate-feed')).holder;
  }
}

@Injectable()
export class Rates {
  constructor(
    @FromKey('rates/usd', { parse: Rate, default: undefined })
    private readonly usd: LiveValue<Rate | undefined>,
  ) {}

  /** @throws Error while there is no rate, or none that is younger than `maxAgeMs` */
  euro(maxAgeMs: number): number {
    const rate = this.usd.value;
    if (rate === undefined) throw new Error('No leader has written a rate yet.');
    if (Date.now() - Date.parse(rate.at) > maxAgeMs) throw new Error(`The rate is of ${rate.at}.`);
    return rate.euro;
  }
}
