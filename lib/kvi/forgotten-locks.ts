import { stackFrames } from './error-text.js';
import type { Hold } from './held-lock.js';
import type { FencedWrites, HeldLock } from './kvi.js';
import type { HmEtcdLogger } from './options.js';

/** What is left of a lock whose handle was collected. */
interface Loan {
  readonly hold: Hold;
  readonly takenAt: Error;
}

/**
 * Tells of locks that nobody can release any more, because the last reference to them is gone. They are not freed:
 * what they protect may still be going on.
 */
export class ForgottenLocks {
  readonly #logger: HmEtcdLogger;
  readonly #loans = new FinalizationRegistry<Loan>((loan) => this.#collected(loan));

  constructor(logger: HmEtcdLogger) {
    this.#logger = logger;
  }

  /**
   * The hold as its user gets it: an object that only the user refers to.
   *
   * @param takenAt made in the call that asked for the lock; its stack is what is told
   */
  handOut(hold: Hold, takenAt: Error): HeldLock {
    const lock = new LentLock(hold, () => this.#loans.unregister(hold));
    this.#loans.register(lock, { hold, takenAt }, hold);
    return lock;
  }

  #collected({ hold, takenAt }: Loan): void {
    if (!hold.isHeld) return;
    this.#logger.warn(
      `The lock '${hold.name}' was never released, and cannot be any more: nothing refers to it. It is held until the handle closes. ` +
        `Release it, or use withLock() or await using. It was taken${stackFrames(takenAt)}`,
    );
  }
}

class LentLock implements HeldLock {
  readonly #hold: Hold;
  readonly #giveBack: () => void;

  constructor(hold: Hold, giveBack: () => void) {
    this.#hold = hold;
    this.#giveBack = giveBack;
  }

  get name(): string {
    return this.#hold.name;
  }

  get key(): string {
    return this.#hold.key;
  }

  get fencingToken(): number {
    return this.#hold.fencingToken;
  }

  get signal(): AbortSignal {
    return this.#hold.signal;
  }

  get isHeld(): boolean {
    return this.#hold.isHeld;
  }

  get kv(): FencedWrites {
    return this.#hold.kv;
  }

  assertHeld(): void {
    this.#hold.assertHeld();
  }

  release(): Promise<void> {
    // Without this, what is known of the loan would be kept until the garbage collector has come by.
    this.#giveBack();
    return this.#hold.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}
