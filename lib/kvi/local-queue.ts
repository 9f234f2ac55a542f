import type { Patience } from './patience.js';

/** A mutex inside the process: first come, first served. */
export class LocalQueue {
  readonly #waiting: (() => void)[] = [];
  #busy = false;

  get isIdle(): boolean {
    return !this.#busy;
  }

  /** Waits for its turn; who has it must `leave`. Throws the patience's reason when that ends first. */
  async enter(patience: Patience): Promise<void> {
    patience.signal.throwIfAborted();
    if (!this.#busy) {
      this.#busy = true;
      return;
    }
    if (patience.isOneTry) throw patience.timeoutError();
    let takeTurn = (): void => {};
    const turn = new Promise<void>((resolve) => {
      takeTurn = resolve;
    });
    this.#waiting.push(takeTurn);
    try {
      await patience.wait(turn);
    } catch (error) {
      this.#giveUp(takeTurn);
      throw error;
    }
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy = false;
    else next();
  }

  /** Whose turn came just as it gave up hands it on. */
  #giveUp(takeTurn: () => void): void {
    const place = this.#waiting.indexOf(takeTurn);
    if (place === -1) this.leave();
    else this.#waiting.splice(place, 1);
  }
}
