/*
 * A rate limit shared by a fleet: a bucket of tokens under one key.
 *
 * `perSec` tokens a second flow into the bucket until it holds `burst`; all replicas together take no more. Each takes
 * `batch` at a time by test-and-set and spends them from memory, so that most calls of `tryTake` ask nobody.
 *
 * What it costs: a read and a write in etcd for each `batch` of tokens, and the same again for a replica that was
 * overtaken by another. One key takes some hundred such writes a second, whatever the cluster; so choose `batch` that
 * `perSec / batch` stays below fifty. It is made for what is scarce outside (a provider's API, mails, payments), not for
 * counting each request of a busy site: that belongs into the proxy, or into memory, divided by the number of replicas.
 *
 * What it promises, and what not:
 * - Never more than `burst` and `perSec` allow, whoever dies or loses an answer: what is taken and not spent is lost. The
 *   other side of a large `batch`: tokens that lie idle in one replica are missing in another.
 * - Replicas earn by their own clocks. The bucket's time never goes back: in the long run the rate is that of the clock
 *   that is ahead, and once, when it comes, as many tokens more as it is ahead.
 * - It answers at once, and is not fair. Who wants to wait asks again after `retryAfterMs`.
 * - While etcd cannot be reached, `tryTake` rejects when its batch is spent. Whether to go on without a limit is yours to say.
 */
import type { Kvi } from 'nestjs-hmetcd';
import { z } from 'zod';

export interface Rate {
  readonly perSec: number;
  /** The most that may be taken at once. */
  readonly burst: number;
  /** How many tokens a replica takes at a time; 1 is the exact one, and the dearest. */
  readonly batch: number;
}

const Bucket = z.object({ tokens: z.number(), atMs: z.number() });
type Bucket = z.infer<typeof Bucket>;

export class FleetRateLimit {
  private batch = 0;
  private emptyUntilMs = -Infinity;
  private refilling: Promise<void> | undefined;

  /** @param now in milliseconds, of a clock that all replicas share */
  constructor(
    private readonly kvi: Kvi,
    private readonly key: string,
    private readonly rate: Rate,
    private readonly now: () => number = Date.now,
  ) {}

  /** Whether the caller may go ahead. */
  async tryTake(): Promise<boolean> {
    while (this.batch === 0 && this.retryAfterMs === 0) {
      // Calls that come meanwhile wait for the same refill.
      this.refilling ??= this.refill().finally(() => (this.refilling = undefined));
      await this.refilling;
    }
    if (this.batch === 0) return false;
    this.batch--;
    return true;
  }

  /** How long there will be nothing to take; nobody is asked before that. */
  get retryAfterMs(): number {
    return Math.max(0, this.emptyUntilMs - this.now());
  }

  private async refill(): Promise<void> {
    for (;;) {
      const text = await this.kvi.get(this.key);
      const bucket = this.earn(text === undefined ? undefined : Bucket.parse(JSON.parse(text)));
      const taken = Math.min(this.rate.batch, Math.floor(bucket.tokens));
      if (taken === 0) {
        this.emptyUntilMs = this.now() + ((1 - bucket.tokens) / this.rate.perSec) * 1000;
        return;
      }
      const left = JSON.stringify({ ...bucket, tokens: bucket.tokens - taken });
      if (await this.replace(text, left)) {
        this.batch += taken;
        return;
      }
    }
  }

  private earn(bucket: Bucket | undefined): Bucket {
    const nowMs = this.now();
    if (bucket === undefined) return { tokens: this.rate.burst, atMs: nowMs };
    const atMs = Math.max(bucket.atMs, nowMs);
    const earned = ((atMs - bucket.atMs) / 1000) * this.rate.perSec;
    return { tokens: Math.min(this.rate.burst, bucket.tokens + earned), atMs };
  }

  /** False when another replica was faster; of those that try at once, one is the fastest. */
  private replace(before: string | undefined, after: string): Promise<boolean> {
    return before === undefined
      ? this.kvi.createIfAbsent(this.key, after)
      : this.kvi.tas(this.key, before, after);
  }
}
