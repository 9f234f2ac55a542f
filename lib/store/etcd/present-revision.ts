import { setImmediate as endOfTurn } from 'node:timers/promises';
import { PermissionDeniedError } from '../errors.js';

/** Where the store stands, for many who ask at once: a read serves all that asked before it was sent. */
export class PresentRevision {
  readonly #read: (key: string) => Promise<number>;
  #unsent: Promise<number> | undefined;

  /** @param read asks linearizably, at a key */
  constructor(read: (key: string) => Promise<number>) {
    this.#read = read;
  }

  async ask(key: string): Promise<number> {
    this.#unsent ??= this.#readSoon(key);
    try {
      return await this.#unsent;
    } catch (error) {
      // The key was perhaps another's; this caller may be allowed to read its own.
      if (error instanceof PermissionDeniedError) return this.#read(key);
      throw error;
    }
  }

  async #readSoon(key: string): Promise<number> {
    await endOfTurn();
    // Whoever asks from here on may have seen a write that this read does not.
    this.#unsent = undefined;
    return this.#read(key);
  }
}
