import { AsyncLocalStorage } from 'node:async_hooks';
import type { ChangeStream } from './changes.js';
import { describeThrown } from './error-text.js';
import { functionName } from './function-name.js';
import { DELETE, type KeyChange, type PUT } from './key-change.js';
import type { WatchCallback, WatchEnd, WatchHandle } from './kvi.js';
import type { HmEtcdLogger } from './options.js';

/** The call of a callback that the running code is inside of, or was started by. */
const callContext = new AsyncLocalStorage<object>();

/** One `watchWithCB`: hands the changes of a key to a callback, one at a time. */
export class CallbackWatch<T> implements WatchHandle {
  readonly key: string;
  readonly op: PUT | DELETE;
  readonly closed: Promise<WatchEnd>;
  readonly #stream: ChangeStream;
  readonly #callback: WatchCallback<T>;
  readonly #userdata: T;
  readonly #logger: HmEtcdLogger;
  #cancelled = false;
  /** The call that is running. */
  #call: object | undefined;

  constructor(
    stream: ChangeStream,
    key: string,
    op: PUT | DELETE,
    callback: WatchCallback<T>,
    userdata: T,
    logger: HmEtcdLogger,
  ) {
    this.key = key;
    this.op = op;
    this.#stream = stream;
    this.#callback = callback;
    this.#userdata = userdata;
    this.#logger = logger;
    this.closed = this.#run();
    this.closed.catch((error: Error) => {
      logger.error(`The watch of '${key}' for ${this.#callbackName} failed: ${error.message}`);
    });
  }

  /** Not what only looks like one. */
  static isOne(given: unknown): given is CallbackWatch<unknown> {
    return typeof given === 'object' && given !== null && #stream in given;
  }

  get name(): string {
    return `watch of '${this.key}' (${this.#callbackName})`;
  }

  /** Resolves when no callback runs any more; a callback that cancels its own watch is not waited for. */
  async cancel(): Promise<void> {
    this.#cancelled = true;
    const ended = this.#stream.return();
    // What an earlier call has left behind, such as a timer, can wait for the one that is running.
    if (this.#call !== undefined && callContext.getStore() === this.#call) return;
    await Promise.allSettled([ended, this.closed]);
  }

  async #run(): Promise<WatchEnd> {
    for await (const change of this.#stream) {
      if (this.#cancelled) break;
      if (change.op === this.op && (await this.#callBack(change)) === false) return 'callback';
      if (change.op === DELETE) return 'deleted';
    }
    return this.#cancelled ? 'cancelled' : 'closed';
  }

  async #callBack({ key, value, op }: KeyChange): Promise<unknown> {
    this.#call = {};
    try {
      return await callContext.run(this.#call, () => this.#callback(key, value ?? '', op, this.#userdata));
    } catch (error) {
      this.#logger.error(`${this.#callbackName}, watching '${this.key}', threw ${describeThrown(error)}`);
      return undefined;
    } finally {
      this.#call = undefined;
    }
  }

  get #callbackName(): string {
    const name = functionName(this.#callback);
    return name === '' ? 'an anonymous callback' : `callback ${name}`;
  }
}
