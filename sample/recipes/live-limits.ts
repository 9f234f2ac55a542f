/*
 * Limits that change while the service runs, in all replicas at once.
 *
 *   etcdctl put config/import '{"parallel": 8, "timeoutMs": 2000}'
 *
 * - What is only read has `@FromKey`: `limits.value` is the latest good value, at every moment and without a request.
 *   Read it where it is used, not once in the constructor.
 * - What has to do something when it changes has `@OnKeyChange`: here, pausing what is under way.
 * - Anybody may write the key. What the schema does not take is logged, and the last good value stays.
 * - `change` checks before it writes, and does not overwrite what another operator has set meanwhile.
 * - In an outage the last value goes on. Where that may not be, ask `limits.isCurrent`.
 * - New fields get a `default` in the schema: at an update, old values meet new code and the other way round.
 */
import { Injectable } from '@nestjs/common';
import { FromKey, type KeyChange, KviService, type LiveValue, OnKeyChange, PUT } from 'nestjs-hmetcd';
import { z } from 'zod';

export const LIMITS_KEY = 'config/import';
export const PAUSED_KEY = 'config/import-paused';

export const ImportLimits = z.object({
  parallel: z.number().int().min(1).max(64),
  timeoutMs: z.number().int().positive().default(5000),
});
export type ImportLimits = z.infer<typeof ImportLimits>;

const DEFAULT: ImportLimits = { parallel: 4, timeoutMs: 5000 };

@Injectable()
export class Importer {
  isPaused = false;
  private running = 0;

  constructor(
    @FromKey(LIMITS_KEY, { parse: ImportLimits, default: DEFAULT })
    private readonly limits: LiveValue<ImportLimits>,
  ) {}

  /** Whether another import may begin on this replica, now. */
  get hasRoom(): boolean {
    return !this.isPaused && this.running < this.limits.value.parallel;
  }

  /** Runs an import, with the time that it has by the limits of now; answers whether there was room for it. */
  async tryImport(work: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    if (!this.hasRoom) return false;
    this.running++;
    try {
      await work(AbortSignal.timeout(this.limits.value.timeoutMs));
    } finally {
      this.running--;
    }
    return true;
  }

  /** While the key exists the replicas pause; `initial` tells one that starts meanwhile. */
  @OnKeyChange(PAUSED_KEY, undefined, { initial: true })
  pausedChanged({ op }: KeyChange): void {
    this.isPaused = op === PUT;
  }
}

@Injectable()
export class ImportLimitsAdmin {
  constructor(private readonly kvi: KviService) {}

  /** @throws ZodError when they would be no good limits; Error when somebody else has changed them meanwhile */
  async change(change: Partial<ImportLimits>): Promise<void> {
    const before = await this.kvi.get(LIMITS_KEY);
    const current = before === undefined ? DEFAULT : ImportLimits.parse(JSON.parse(before));
    const text = JSON.stringify(ImportLimits.parse({ ...current, ...change }));
    const isWritten =
      before === undefined
        ? await this.kvi.createIfAbsent(LIMITS_KEY, text)
        : await this.kvi.tas(LIMITS_KEY, before, text);
    if (!isWritten) throw new Error(`${LIMITS_KEY} was changed meanwhile: look at it, and try again.`);
  }
}
