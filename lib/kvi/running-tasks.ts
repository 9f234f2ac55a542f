import type { Clock } from '../store/clock.js';

/** What runs and is waited for before a handle is closed: locked functions and watch callbacks above all. */
export class RunningTasks {
  readonly #tasks = new Map<object, { readonly name: string; readonly done: Promise<unknown> }>();

  /** Counts a task as running until `done` settles. */
  async track<T>(name: string, done: Promise<T>): Promise<T> {
    const id = {};
    this.#tasks.set(id, { name, done });
    try {
      return await done;
    } finally {
      this.#tasks.delete(id);
    }
  }

  /** Waits until nothing runs, at most `timeoutMs`. Answers the names of what still does. */
  async drain(clock: Clock, timeoutMs: number): Promise<string[]> {
    let cancelTimer = (): void => {};
    const timeUp = new Promise<void>((resolve) => {
      cancelTimer = clock.setTimer(timeoutMs, resolve);
    });
    await Promise.race([this.allDone(), timeUp]);
    cancelTimer();
    return [...this.#tasks.values()].map(({ name }) => name);
  }

  /** Resolves when nothing runs any more. */
  async allDone(): Promise<void> {
    while (this.#tasks.size > 0) {
      await Promise.allSettled([...this.#tasks.values()].map(({ done }) => done));
    }
  }
}
