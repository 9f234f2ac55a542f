import { RunningTasks } from '../kvi/running-tasks.js';
import { OutcomeUnknownError } from '../store/errors.js';
import { footprintOf } from '../store/footprint.js';
import { KeyOrder } from '../store/key-order.js';
import type { TxnRequest, TxnResponse, Writer } from '../store/store.js';
import type { Conditions } from './conditions.js';
import type { DisturbedCalls } from './disturbed-calls.js';

/** Writes that may be held up: those that touch one key are done in the order of their calls all the same. */
export class DisturbedWriter implements Writer {
  readonly #calls: DisturbedCalls;
  readonly #conditions: Conditions;
  readonly #isRecorded: boolean;
  readonly #txn: (request: TxnRequest) => Promise<TxnResponse>;
  readonly #order = new KeyOrder();
  readonly #running = new RunningTasks();
  readonly #never = new AbortController().signal;

  /** @param isRecorded one whose answer is lost can be made impossible */
  constructor(
    calls: DisturbedCalls,
    conditions: Conditions,
    isRecorded: boolean,
    txn: (request: TxnRequest) => Promise<TxnResponse>,
  ) {
    this.#calls = calls;
    this.#conditions = conditions;
    this.#isRecorded = isRecorded;
    this.#txn = txn;
  }

  write(request: TxnRequest, after?: Promise<unknown>): Promise<TxnResponse> {
    return this.#running.track('a write', this.#write(request, after));
  }

  idle(): Promise<void> {
    return this.#running.allDone();
  }

  async #write(request: TxnRequest, after: Promise<unknown> | undefined): Promise<TxnResponse> {
    let isItsTurn = false;
    let takeTurn = (): void => {};
    const turn = new Promise<void>((resolve) => {
      takeTurn = resolve;
    });
    const place = this.#order.enter(footprintOf(request), () => {
      isItsTurn = true;
      takeTurn();
    });
    const leave = (): void => void turn.then(() => this.#order.leave(place));
    try {
      const answer = await this.#calls.run({
        what: 'A write',
        kind: 'write',
        isRecorded: this.#isRecorded,
        ready: isItsTurn && after === undefined ? undefined : Promise.allSettled([turn, after]),
        perform: () => this.#txn(request),
      });
      leave();
      return answer;
    } catch (error) {
      if (error instanceof OutcomeUnknownError) void this.#decided().then(leave);
      else leave();
      throw error;
    }
  }

  /** What touches the keys of a write that nobody can ask for waits until somebody can. */
  #decided(): Promise<void> {
    return this.#conditions.whileTrue(() => this.#conditions.isFrozen, this.#never);
  }
}
