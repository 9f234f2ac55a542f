import type { Disturbance, Faults } from './faults.js';

/** What one connection meets: the faults that are its own, and those of the whole store. */
export class Conditions {
  readonly #faults: readonly Faults[];

  /** @param faults those whose orders are carried out first come first */
  constructor(faults: readonly Faults[]) {
    this.#faults = faults;
  }

  get isFrozen(): boolean {
    return this.#faults.some((faults) => faults.isFrozen);
  }

  get areWatchesDown(): boolean {
    return this.#faults.some((faults) => faults.areWatchesDown);
  }

  take(isWrite: boolean): Disturbance | undefined {
    for (const faults of this.#faults) {
      const disturbance = faults.take(isWrite);
      if (disturbance !== undefined) return disturbance;
    }
    return undefined;
  }

  /** Calls `listener` when something may have changed. Answers how to stop listening. */
  onChange(listener: () => void): () => void {
    const stops = this.#faults.map((faults) => faults.onChange(listener));
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** Resolves when `holds` does not hold, or the signal aborts. */
  async whileTrue(holds: () => boolean, signal: AbortSignal): Promise<void> {
    while (holds() && !signal.aborted) await this.#change(signal);
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        stop();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const stop = this.onChange(end);
      signal.addEventListener('abort', end);
    });
  }
}
