import type { Hold } from './held-lock.js';
import { LocalQueue } from './local-queue.js';
import type { LockQueue } from './lock-queue.js';
import { tracedWait } from './lock-telemetry.js';
import type { Patience } from './patience.js';

/** The original's lock: one for a handle, which takes it again as often as it likes. */
export class DistLock {
  readonly #locks: LockQueue;
  readonly #name: string;
  readonly #turns = new LocalQueue();
  #hold: Hold | undefined;
  #trying: Promise<void> | undefined;

  constructor(locks: LockQueue, name: string) {
    this.#locks = locks;
    this.#name = name;
  }

  async acquire(patience: Patience, maxHoldSec: number | undefined): Promise<void> {
    if (!patience.isOneTry) return this.#acquire(patience, maxHoldSec);
    // Two tries at once are one: the second would find the lock taken by the first.
    this.#trying ??= this.#acquire(patience, maxHoldSec).finally(() => (this.#trying = undefined));
    await patience.wait(this.#trying);
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
