import { batchChannel, traced } from '../channels.js';
import { callClock } from '../clock.js';
import {
  type HmEtcdError,
  LeaseNotFoundError,
  OutcomeUnknownError,
  RequestTimeoutError,
  UnavailableError,
} from '../errors.js';
import { exactBytesOf, type Footprint, footprintOf, operationsOf } from '../footprint.js';
import { GrowingPause } from '../growing-pause.js';
import { KeyOrder, type Place } from '../key-order.js';
import type { TxnRequest, WriteOutcome, Writer } from '../store.js';
import { isDivisible, isNoSpace, limitExceededBy } from './error-table.js';
import { type BatchLimits, GroupCommit, type Pending } from './group-commit.js';
import { SlotLostError } from './slot.js';
import type { Applied, WriteSender } from './write-sender.js';

/** Measured: with more, the server is not faster; with one, it waits for its disk while nothing is on the way. */
const LANES = 2;

/** etcd allows 128 operations and 1.5 MiB; the slot, the marks and the levels of a nested txn count, too. */
const MAX_OPERATIONS = 120;
const MAX_BYTES = 1.25 * 1024 * 1024;

type Answer = WriteOutcome & { readonly revision: number };

/** A write between its call and its answer. */
interface PendingWrite extends Pending {
  readonly request: TxnRequest;
  readonly footprint: Footprint;
  /** What has to settle before it is sent. */
  readonly after: Promise<unknown> | undefined;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  place?: Place;
  isReady: boolean;
  isExpired: boolean;
}

/** Writes that travel together, those of one key in the order of their calls. */
export class EtcdWriter implements Writer {
  readonly #sender: WriteSender;
  readonly #withoutRecord: WriteSender;
  readonly #endpoints: string;
  readonly #timeoutMs: number;
  readonly #reserveMs: number;
  readonly #limits: BatchLimits = { operations: MAX_OPERATIONS, bytes: MAX_BYTES };
  readonly #order = new KeyOrder();
  readonly #group: GroupCommit<PendingWrite>;
  readonly #idlers: (() => void)[] = [];
  readonly #pauseOfLane = Array.from({ length: LANES }, () => new GrowingPause(callClock));
  readonly #never = new AbortController().signal;
  #unanswered = 0;
  /** Why nothing gets through at present. */
  #obstacle: HmEtcdError | undefined;

  /**
   * @param withoutRecord for what needs no space, while there is none for a record
   * @param endpoints for messages
   * @param timeoutMs for one write, from its call
   * @param reserveMs with less time left, a write is not sent any more
   */
  constructor(
    sender: WriteSender,
    withoutRecord: WriteSender,
    endpoints: string,
    timeoutMs: number,
    reserveMs: number,
  ) {
    this.#endpoints = endpoints;
    this.#sender = sender;
    this.#withoutRecord = withoutRecord;
    this.#timeoutMs = timeoutMs;
    this.#reserveMs = reserveMs;
    this.#group = new GroupCommit(LANES, this.#limits, reserveMs, {
      send: (batch, lane) => this.#send(batch, lane, this.#sender),
      expire: (write) => this.#expire(write),
    });
  }

  write(request: TxnRequest, after?: Promise<unknown>): Promise<Answer> {
    const deadline = callClock.now() + this.#timeoutMs;
    return new Promise((resolve, reject) => {
      const footprint = footprintOf(request);
      const { bytes } = footprint;
      const operations = operationsOf(footprint);
      this.#enter({
        request,
        footprint,
        deadline,
        operations,
        bytes,
        after,
        resolve,
        reject,
        isReady: false,
        isExpired: false,
      });
    });
  }

  idle(): Promise<void> {
    return this.#unanswered === 0
      ? Promise.resolve()
      : new Promise((resolve) => void this.#idlers.push(resolve));
  }

  #enter(write: PendingWrite): void {
    this.#unanswered++;
    write.place = this.#order.enter(write.footprint, () => this.#onTurn(write));
    this.#group.add(write);
  }

  #leave({ place }: PendingWrite): void {
    if (place !== undefined) this.#order.leave(place);
  }

  #onTurn(write: PendingWrite): void {
    if (write.after === undefined) return this.#onReady(write);
    const onReady = (): void => this.#onReady(write);
    write.after.then(onReady, onReady);
  }

  #onReady(write: PendingWrite): void {
    write.isReady = true;
    if (write.isExpired) this.#leave(write);
    else this.#group.wake();
  }

  #expire(write: PendingWrite): void {
    write.isExpired = true;
    this.#settle(() => write.reject(this.#obstacle ?? this.#tooLate()));
    if (write.isReady) this.#leave(write);
  }

  async #send(batch: readonly PendingWrite[], lane: number, sender: WriteSender): Promise<void> {
    try {
      const { revision, outcomes } = await this.#ask(batch, lane, sender);
      this.#obstacle = undefined;
      this.#pauseOfLane[lane]!.reset();
      batch.forEach((write, at) => this.#accept(write, { revision, ...outcomes[at]! }));
    } catch (error) {
      await this.#failed(batch, lane, sender, error as HmEtcdError);
    }
  }

  #ask(batch: readonly PendingWrite[], lane: number, sender: WriteSender): Promise<Applied> {
    const deadline = Math.min(...batch.map((write) => write.deadline));
    const requests = batch.map(({ request }) => request);
    const send = (): Promise<Applied> => sender.send(requests, lane, deadline - callClock.now());
    if (!batchChannel.hasSubscribers) return send();
    const message = {
      endpoint: this.#endpoints,
      kind: 'write',
      operations: batch.length,
      bytes: requests.reduce((sum, request) => sum + exactBytesOf(request), 0),
    } as const;
    return traced(batchChannel, message, send);
  }

  async #failed(
    batch: readonly PendingWrite[],
    lane: number,
    sender: WriteSender,
    error: HmEtcdError,
  ): Promise<void> {
    if (error instanceof OutcomeUnknownError) return this.#leaveUndecided(batch, lane, sender, error);
    // Nothing was applied, and under the next lease it may be.
    if (error instanceof SlotLostError || error instanceof LeaseNotFoundError)
      return this.#afterAPause(batch, lane);
    if (isNoSpace(error)) return this.#withoutSpace(batch, lane, sender, error);
    if (isDivisible(error) && batch.length > 1) return this.#apart(batch, lane, sender, error);
    const isLate = error instanceof RequestTimeoutError || error instanceof UnavailableError;
    if (isLate) this.#obstacle = error;
    // A batch has the time of its oldest write; the others may have some left.
    const latest = isLate ? callClock.now() + this.#reserveMs : Infinity;
    this.#again(batch.filter(({ deadline }) => deadline > latest));
    for (const write of batch.filter(({ deadline }) => deadline <= latest)) this.#refuse(write, error);
  }

  /** A server that contradicts itself is not asked without end, as fast as it answers. */
  async #afterAPause(batch: readonly PendingWrite[], lane: number): Promise<void> {
    const deadline = Math.min(...batch.map((write) => write.deadline));
    await this.#pauseOfLane[lane]!.beforeNextTry(this.#never, deadline - callClock.now());
    this.#again(batch);
  }

  #again(batch: readonly PendingWrite[]): void {
    for (const write of batch) this.#group.add(write);
  }

  /** One write that is refused must not take the others with it. */
  async #apart(
    batch: readonly PendingWrite[],
    lane: number,
    sender: WriteSender,
    error: HmEtcdError,
  ): Promise<void> {
    const half = Math.ceil(batch.length / 2);
    const exceeded = limitExceededBy(error);
    if (exceeded !== undefined) {
      const sum = batch.reduce((total, write) => total + write[exceeded], 0);
      this.#limits[exceeded] = Math.min(this.#limits[exceeded], sum / 2);
    }
    await this.#send(batch.slice(0, half), lane, sender);
    await this.#send(batch.slice(half), lane, sender);
  }

  /** A record needs space, too, and deleting is what makes some. */
  async #withoutSpace(
    batch: readonly PendingWrite[],
    lane: number,
    sender: WriteSender,
    error: HmEtcdError,
  ): Promise<void> {
    const deletions = batch.filter(({ footprint }) => !footprint.puts);
    const isNew = sender !== this.#withoutRecord || deletions.length < batch.length;
    for (const write of batch) if (!isNew || write.footprint.puts) this.#refuse(write, error);
    if (isNew && deletions.length > 0) await this.#send(deletions, lane, this.#withoutRecord);
  }

  /**
   * Who asked is told now; what touches the same keys waits until nothing of it can come any more. The lane does not:
   * without space, that may take until somebody makes some.
   */
  #leaveUndecided(
    batch: readonly PendingWrite[],
    lane: number,
    sender: WriteSender,
    error: OutcomeUnknownError,
  ): void {
    for (const write of batch) this.#settle(() => write.reject(error));
    void sender.decided(lane).then(() => {
      for (const write of batch) this.#leave(write);
    });
  }

  #accept(write: PendingWrite, answer: Answer): void {
    this.#settle(() => write.resolve(answer));
    this.#leave(write);
  }

  #refuse(write: PendingWrite, error: Error): void {
    this.#settle(() => write.reject(error));
    this.#leave(write);
  }

  #settle(settle: () => void): void {
    settle();
    if (--this.#unanswered === 0) for (const idle of this.#idlers.splice(0)) idle();
  }

  #tooLate(): RequestTimeoutError {
    return new RequestTimeoutError(
      `A write was not sent to ${this.#endpoints} within ${this.#timeoutMs} ms, because what was asked for before it was not answered. Nothing was applied. Try again, or raise requestTimeoutMs.`,
    );
  }
}
