import { checkFunction } from './validate.js';

/** Who is told of something. None of them is waited for, and none keeps another from being told. */
export class Listeners<Message extends readonly unknown[]> {
  readonly #listeners = new Set<(...message: Message) => unknown>();
  readonly #onThrow: (error: unknown) => void;

  /** @param onThrow takes what a listener throws, or rejects with */
  constructor(onThrow: (error: unknown) => void) {
    this.#onThrow = onThrow;
  }

  /**
   * Adds a listener, once more if it is there already. Answers how to take it away again.
   *
   * @throws InvalidArgumentError when it is no function
   */
  add(listener: (...message: Message) => unknown): () => void {
    checkFunction('listener', listener);
    // Its own function for each: one listener may be added twice.
    const own = (...message: Message): unknown => listener(...message);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  clear(): void {
    this.#listeners.clear();
  }

  /** Tells messages of one moment: who is added meanwhile hears none of them, who is taken away none any more. */
  tell(messages: readonly Message[]): void {
    const listeners = [...this.#listeners];
    for (const message of messages) {
      for (const listener of listeners) {
        if (this.#listeners.has(listener)) void this.#call(listener, message);
      }
    }
  }

  async #call(listener: (...message: Message) => unknown, message: Message): Promise<void> {
    try {
      await listener(...message);
    } catch (error) {
      this.#onThrow(error);
    }
  }
}
