import type { Hold } from './held-lock.js';
import { LocalQueue } from './local-queue.js';
import type { LockQueue } from './lock-queue.js';
import { tracedWait } from './lock-telemetry.js';
import type { Patience } from './patience.js';

/** One try, and whose it is. */
interface Try {
  readonly patience: Patience;
  readonly outcome: Promise<void>;
}

/** The original's lock: one for a handle, which takes it again as often as it likes. */
export class DistLock {
  readonly #locks: LockQueue;
  readonly #name: string;
  readonly #turns = new LocalQueue();
  #hold: Hold | undefined;
  #trying: Try | undefined;

  constructor(locks: LockQueue, name: string) {
    this.#locks = locks;
    this.#name = name;
  }

  async acquire(patience: Patience, maxHoldSec: number | undefined): Promise<void> {
    if (!patience.isOneTry) return this.#acquire(patience, maxHoldSec);
    for (;;) {
      // Two tries at once are one: the second would find the lock taken by the first.
      const trying = (this.#trying ??= this.#try(patience, maxHoldSec));
      try {
        return await patience.wait(trying.outcome);
      } catch (error) {
        // Whoever began it gave it up; this caller has not.
        if (trying.patience === patience || error !== trying.patience.signal.reason) throw error;
      }
    }
  }

  #try(patience: Patience, maxHoldSec: number | undefined): Try {
    const outcome = this.#acquire(patience, maxHoldSec).finally(() => (this.#trying = undefined));
    return { patience, outcome };
  }

  async #acquire(patience: Patience, maxHoldSec: number | undefined): Promise<void> {
    await this.#turns.enter(patience);
    try {
      if (this.#hold?.isHeld) return;
      this.#hold = await tracedWait(this.#locks.place, this.#name, () =>
        this.#locks.acquire(this.#name, patience, maxHoldSec),
      );
    } finally {
      this.#turns.leave();
    }
  }

  async release(): Promise<void> {
    const hold = this.#hold;
    this.#hold = undefined;
    await hold?.release();
  }
}
