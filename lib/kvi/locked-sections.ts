import type { Clock } from '../store/clock.js';
import { withoutHelp } from '../store/error-help.js';
import { LockLostError } from './errors.js';
import { functionName } from './function-name.js';
import type { Hold } from './held-lock.js';
import type { HeldLock, WithLockOptions } from './kvi.js';
import { LocalQueue } from './local-queue.js';
import { enclosingSection, runInSection } from './lock-context.js';
import type { LockQueue } from './lock-queue.js';
import { tracedWait } from './lock-telemetry.js';
import { MinHold } from './min-hold.js';
import type { HmEtcdLogger } from './options.js';
import type { Patience } from './patience.js';
import type { RunningTasks } from './running-tasks.js';

/** A function's time under a lock: until the lock is given back, and the turn in this process with it. */
interface Section {
  readonly hold: Hold;
  readonly minHold: MinHold;
  readonly leaveTurn: () => void;
}

/** `withLock`: one function at a time in this process, and under the store's lock one in the fleet. */
export class LockedSections {
  readonly #locks: LockQueue;
  readonly #tasks: RunningTasks;
  readonly #clock: Clock;
  readonly #logger: HmEtcdLogger;
  readonly #turns = new Map<string, LocalQueue>();
  readonly #kept = new Set<Hold>();

  constructor(locks: LockQueue, tasks: RunningTasks, clock: Clock, logger: HmEtcdLogger) {
    this.#locks = locks;
    this.#tasks = tasks;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** The holds that nobody may free yet: a function runs under them, or their minHoldSec is not over. */
  get kept(): ReadonlySet<Hold> {
    return this.#kept;
  }

  /** Runs `fn` under the lock that this async context holds already; undefined when it holds none of that name. */
  passThrough<T>(name: string, fn: (lock: HeldLock) => Promise<T>): Promise<T> | undefined {
    const lock = enclosingSection(this, name)?.lock;
    return lock && this.#runUnder(lock, fn);
  }

  async run<T>(
    name: string,
    patience: Patience,
    { minHoldSec, maxHoldSec }: WithLockOptions,
    fn: (lock: HeldLock) => Promise<T>,
  ): Promise<T> {
    let leaveTurn = (): void => {};
    let running: Promise<T>;
    try {
      const hold = await tracedWait(this.#locks.place, name, async () => {
        leaveTurn = await this.#takeTurn(name, patience);
        return this.#locks.acquire(name, patience, maxHoldSec);
      });
      const minHold = new MinHold(this.#clock, minHoldSec);
      // close() may have come while the grant was on its way here, and does not know of this function.
      if (patience.signal.aborted) {
        await this.#release(hold).catch(() => {});
        throw patience.signal.reason;
      }
      patience.end();
      const fnName = functionName(fn);
      const label = fnName === '' ? `lock '${name}'` : `lock '${name}' (${fnName})`;
      running = this.#tasks.track(label, this.#runAndEnd({ hold, minHold, leaveTurn }, fn));
    } catch (error) {
      leaveTurn();
      throw error;
    }
    return running;
  }

  async #runAndEnd<T>(section: Section, fn: (lock: HeldLock) => Promise<T>): Promise<T> {
    this.#kept.add(section.hold);
    let result: T;
    try {
      result = await this.#runUnder(section.hold, fn);
    } catch (error) {
      // Whatever the release says, the caller gets the function's own error.
      await this.#end(section).catch(() => {});
      throw error;
    }
    await this.#end(section);
    return result;
  }

  async #end(section: Section): Promise<void> {
    const { hold, minHold } = section;
    if (minHold.isOver || !hold.isHeld) return this.#giveBack(section);
    hold.unlimit();
    // The caller has its answer, and a loss is logged when it is told: here is nobody left to throw it to.
    void minHold.over(hold.signal).then(() => this.#giveBack(section).catch(() => {}));
  }

  async #giveBack({ hold, leaveTurn }: Section): Promise<void> {
    try {
      await this.#release(hold);
    } finally {
      this.#kept.delete(hold);
      leaveTurn();
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
        `The lock '${hold.name}' could not be released: ${withoutHelp((error as Error).message)} It is tried again until its lease ends.`,
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
