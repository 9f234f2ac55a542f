import { type CancelTimer, callClock } from '../clock.js';

/** An operation that waits to be sent. */
export interface Pending {
  /** Nothing else has to be done before it. */
  readonly isReady: boolean;
  /** When its time is over, on `callClock`. */
  readonly deadline: number;
  /** How many operations it takes in a request. */
  readonly operations: number;
  /** How many bytes it takes there, at the most. */
  readonly bytes: number;
}

/** What is done with the operations. */
export interface Carrier<T> {
  /** Takes a batch to its end, and never rejects. */
  send(batch: readonly T[], lane: number): Promise<void>;
  /** The operation's time is over, and it was not sent. */
  expire(operation: T): void;
}

/** How much travels together. What a server refuses makes it smaller. */
export interface BatchLimits {
  operations: number;
  bytes: number;
}

/**
 * Group commit: operations that are asked for while others are under way travel together as soon as a lane is free. The
 * first goes at once, and nobody waits for a timer: what one turn of the event loop asks for is one batch.
 */
export class GroupCommit<T extends Pending> {
  readonly #carrier: Carrier<T>;
  readonly #limits: BatchLimits;
  readonly #reserveMs: number;
  readonly #freeLanes: number[];
  #waiting: T[] = [];
  #isScheduled = false;
  /** When it is looked for operations whose time is over. */
  #expiry = Infinity;
  #cancelExpiry: CancelTimer = () => {};

  /**
   * @param lanes how many batches may be under way at a time
   * @param reserveMs with less time left than this, an operation is not sent any more
   */
  constructor(lanes: number, limits: BatchLimits, reserveMs: number, carrier: Carrier<T>) {
    this.#freeLanes = Array.from({ length: lanes }, (_, lane) => lane);
    this.#limits = limits;
    this.#reserveMs = reserveMs;
    this.#carrier = carrier;
  }

  add(operation: T): void {
    this.#waiting.push(operation);
    // One that comes back may have less time than those that came after it.
    if (operation.deadline < this.#expiry) this.#awaitExpiry(operation.deadline);
    this.wake();
  }

  /**
   * Sends what is ready when this turn of the event loop is over. Everything that it asks for comes first: the answers
   * to one batch bring the calls of the next.
   */
  wake(): void {
    if (this.#isScheduled || this.#freeLanes.length === 0) return;
    this.#isScheduled = true;
    process.nextTick(() => {
      this.#isScheduled = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#freeLanes.length > 0 && this.#waiting.length > 0) {
      const batch = this.#take();
      if (batch.length === 0) return;
      const lane = this.#freeLanes.pop()!;
      void this.#carrier.send(batch, lane).then(() => {
        this.#freeLanes.push(lane);
        this.wake();
      });
    }
  }

  #take(): T[] {
    const { operations: most, bytes: mostBytes } = this.#limits;
    const latest = callClock.now() + this.#reserveMs;
    const batch: T[] = [];
    const left: T[] = [];
    let [operations, bytes] = [0, 0];
    let at = 0;
    for (; at < this.#waiting.length && operations < most; at++) {
      const operation = this.#waiting[at]!;
      const isFitting =
        batch.length === 0 ||
        (operations + operation.operations <= most && bytes + operation.bytes <= mostBytes);
      if (operation.isReady && operation.deadline > latest && isFitting) {
        operations += operation.operations;
        bytes += operation.bytes;
        batch.push(operation);
      } else {
        left.push(operation);
      }
    }
    this.#waiting = left.concat(this.#waiting.slice(at));
    return batch;
  }

  /** One timer for all: most operations are sent long before their time is over. */
  #awaitExpiry(deadline: number): void {
    this.#cancelExpiry();
    this.#expiry = deadline;
    if (deadline === Infinity) return;
    const expire = (): void => this.#expire();
    const delayMs = Math.max(0, deadline - callClock.now());
    this.#cancelExpiry = callClock.setTimer(delayMs, expire, { background: true });
  }

  #expire(): void {
    const now = callClock.now();
    const expired = this.#waiting.filter(({ deadline }) => deadline <= now);
    this.#waiting = this.#waiting.filter(({ deadline }) => deadline > now);
    this.#awaitExpiry(
      this.#waiting.reduce((earliest, { deadline }) => Math.min(earliest, deadline), Infinity),
    );
    for (const operation of expired) this.#carrier.expire(operation);
  }
}
