import { UnavailableError } from '../../lib/store/errors.js';
import type { Watch, WatchResponse } from '../../lib/store/store.js';
import type { InterceptedStore } from './intercepted-store.js';

/** Breaks a store's watches; those that are begun before `mend` fail. */
export class BreakableWatches {
  readonly #store: InterceptedStore;
  readonly #open = new Set<BreakableWatch>();

  constructor(store: InterceptedStore) {
    this.#store = store;
    this.mend();
  }

  /** How many watches have been begun and neither broken nor cancelled. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Nothing that has happened since is known: it is on its way, and does not arrive. */
  cut(error: Error = new UnavailableError('cut')): void {
    this.#store.intercept('watch', async () => {
      throw new UnavailableError('down');
    });
    this.breakNow(error);
  }

  /** Ends those that are open; new ones are welcome. */
  breakNow(error: Error = new UnavailableError('cut')): void {
    for (const watch of this.#open) watch.break(error);
    this.#open.clear();
  }

  mend(): void {
    this.#store.intercept('watch', async <T>(proceed: () => Promise<T>): Promise<T> => {
      const watch = new BreakableWatch((await proceed()) as Watch, () => this.#open.delete(watch));
      this.#open.add(watch);
      return watch as T;
    });
  }
}

class BreakableWatch implements Watch {
  readonly #watch: Watch;
  readonly #onCancel: () => void;
  readonly #broken: Promise<never>;
  #reject = (_error: Error): void => {};
  #brokenAt: number | undefined;

  constructor(watch: Watch, onCancel: () => void) {
    this.#watch = watch;
    this.#onCancel = onCancel;
    this.#broken = new Promise<never>((_resolve, reject) => {
      this.#reject = reject;
    });
    this.#broken.catch(() => {});
  }

  next(): Promise<WatchResponse | undefined> {
    return Promise.race([this.#broken, this.#watch.next()]);
  }

  requestProgress(): void {
    this.#watch.requestProgress();
  }

  get cutOffMs(): number | undefined {
    return this.#brokenAt === undefined ? this.#watch.cutOffMs : performance.now() - this.#brokenAt;
  }

  cancel(): void {
    this.#onCancel();
    this.#watch.cancel();
  }

  break(error: Error): void {
    this.#brokenAt ??= performance.now();
    this.#reject(error);
  }
}
