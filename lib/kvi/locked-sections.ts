import { LockLostError } from './errors.js';
import type { Hold } from './held-lock.js';
import type { HeldLock } from './kvi.js';
import { LocalQueue } from './local-queue.js';
import { enclosingSection, runInSection } from './lock-context.js';
import type { LockQueue } from './lock-queue.js';
import type { HmEtcdLogger } from './options.js';
import type { Patience } from './patience.js';
import type { RunningTasks } from './running-tasks.js';

/** `withLock`: one function at a time in this process, and under the store's lock one in the fleet. */
export class LockedSections {
  readonly #locks: LockQueue;
  readonly #tasks: RunningTasks;
  readonly #logger: HmEtcdLogger;
  readonly #turns = new Map<string, LocalQueue>();
  readonly #running = new Set<Hold>();

  constructor(locks: LockQueue, tasks: RunningTasks, logger: HmEtcdLogger) {
    this.#locks = locks;
    this.#tasks = tasks;
    this.#logger = logger;
  }

  /** The holds that a function is running under. */
  get running(): ReadonlySet<Hold> {
    return this.#running;
  }

  /** Runs `fn` under the lock that this async context holds already; undefined when it holds none of that name. */
  passThrough<T>(name: string, fn: (lock: HeldLock) => Promise<T>): Promise<T> | undefined {
    const lock = enclosingSection(this, name)?.lock;
    return lock && this.#runUnder(lock, fn);
  }

  async run<T>(
    name: string,
    patience: Patience,
    maxHoldSec: number | undefined,
    fn: (lock: HeldLock) => Promise<T>,
  ): Promise<T> {
    const leaveTurn = await this.#takeTurn(name, patience);
    try {
      const hold = await this.#locks.acquire(name, patience, maxHoldSec);
      // close() may have come while the grant was on its way here, and does not know of this function.
      if (patience.signal.aborted) {
        await this.#release(hold).catch(() => {});
        throw patience.signal.reason;
      }
      patience.end();
      const label = fn.name === '' ? `lock '${name}'` : `lock '${name}' (${fn.name})`;
      return await this.#tasks.track(label, this.#runAndRelease(hold, fn));
    } finally {
      leaveTurn();
    }
  }

  async #runAndRelease<T>(hold: Hold, fn: (lock: HeldLock) => Promise<T>): Promise<T> {
    this.#running.add(hold);
    try {
      const result = await this.#runUnder(hold, fn);
      await this.#release(hold);
      return result;
    } catch (error) {
      // Whatever the release says, the caller gets the function's own error.
      await this.#release(hold).catch(() => {});
      throw error;
    } finally {
      this.#running.delete(hold);
    }
  }

  async #runUnder<T>(lock: HeldLock, fn: (lock: HeldLock) => Promise<T>): Promise<T> {
    lock.assertHeld();
    const result = await runInSection(this, lock, async () => fn(lock));
    lock.assertHeld();
    return result;
  }

  /** What `fn` has done is done: only a loss under it is worth its caller's error; the lease ends the rest. */
  async #release(hold: Hold): Promise<void> {
    try {
      await hold.release();
    } catch (error) {
      if (error instanceof LockLostError) throw error;
      this.#logger.error(
        `The lock '${hold.name}' could not be released: ${(error as Error).message} It is tried again until its lease ends.`,
      );
    }
  }

  async #takeTurn(name: string, patience: Patience): Promise<() => void> {
    const queue = this.#turns.get(name) ?? new LocalQueue();
    const forgetIfIdle = (): void => {
      // Others may have emptied it, and begun another, since.
      if (queue.isIdle && this.#turns.get(name) === queue) this.#turns.delete(name);
    };
    this.#turns.set(name, queue);
    try {
      await queue.enter(patience);
    } catch (error) {
      forgetIfIdle();
      throw error;
    }
    return () => {
      queue.leave();
      forgetIfIdle();
    };
  }
}
