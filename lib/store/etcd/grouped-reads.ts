import type { IRangeResponse, ITxnResponse } from 'etcd3';
import { batchChannel, traced } from '../channels.js';
import { callClock } from '../clock.js';
import { type HmEtcdError, RequestTimeoutError, UnavailableError } from '../errors.js';
import type { RangeRequest, RangeResponse, TxnRequest, TxnResponse } from '../store.js';
import { ATTEMPT_MS, type Calls } from './calls.js';
import { rangeFromWire, rangeToWire, txnFromWire, txnToWire } from './codec.js';
import { isDivisible, limitExceededBy } from './error-table.js';
import { MAX_BYTES_OF_UNIT } from '../footprint.js';
import { type BatchLimits, GroupCommit, type Pending } from './group-commit.js';

/** Measured; see `npm run bench`. */
const LANES = 2;

/** etcd's own limit for a txn. */
const MAX_OPERATIONS = 128;
const MAX_BYTES = 1024 * 1024;

/** An answer of many large values would not come within the time of one attempt. */
const MAX_ANSWER_UNITS = 4 * 1024 * 1024;

interface PendingRead extends Pending {
  readonly request: RangeRequest;
  readonly resolve: (answer: RangeResponse) => void;
  readonly reject: (error: unknown) => void;
}

/** Reads of single keys that travel together, in one txn that only reads: linearizable as each would be by itself. */
export class GroupedReads {
  readonly #calls: Calls;
  readonly #timeoutMs: number;
  readonly #limits: BatchLimits = { operations: MAX_OPERATIONS, bytes: MAX_BYTES };
  readonly #group: GroupCommit<PendingRead>;
  #maxOperations = MAX_OPERATIONS;
  /** Why nothing gets through at present. */
  #obstacle: HmEtcdError | undefined;

  /** @param timeoutMs for one read, from its call */
  constructor(calls: Calls, timeoutMs: number) {
    this.#calls = calls;
    this.#timeoutMs = timeoutMs;
    this.#group = new GroupCommit(LANES, this.#limits, 0, {
      send: (batch) => this.#send(batch),
      expire: ({ reject }) => reject(this.#obstacle ?? this.#tooLate()),
    });
  }

  read(request: RangeRequest): Promise<RangeResponse> {
    const deadline = callClock.now() + this.#timeoutMs;
    return new Promise((resolve, reject) => {
      const bytes = request.key.length * MAX_BYTES_OF_UNIT;
      this.#group.add({ request, deadline, operations: 1, bytes, isReady: true, resolve, reject });
    });
  }

  async #send(batch: readonly PendingRead[]): Promise<void> {
    const deadline = Math.min(...batch.map((read) => read.deadline));
    const leftMs = deadline - callClock.now();
    // What was too much for one attempt is not asked for a second time.
    const timeoutMs = batch.length > 1 ? Math.min(leftMs, ATTEMPT_MS) : leftMs;
    try {
      const answers = await this.#ask(batch, timeoutMs);
      this.#obstacle = undefined;
      batch.forEach((read, at) => read.resolve(answers[at]!));
      this.#limitBy(answers);
    } catch (error) {
      await this.#failed(batch, error as HmEtcdError);
    }
  }

  #ask(batch: readonly PendingRead[], timeoutMs: number): Promise<readonly RangeResponse[]> {
    if (!batchChannel.hasSubscribers) return this.#readBatch(batch, timeoutMs);
    const message = {
      endpoint: this.#calls.endpoints,
      kind: 'read',
      operations: batch.length,
      bytes: batch.reduce((sum, { request }) => sum + Buffer.byteLength(request.key), 0),
    } as const;
    return traced(batchChannel, message, () => this.#readBatch(batch, timeoutMs));
  }

  async #readBatch(batch: readonly PendingRead[], timeoutMs: number): Promise<readonly RangeResponse[]> {
    const [first] = batch;
    return first !== undefined && batch.length === 1
      ? [await this.#readOne(first.request, timeoutMs)]
      : this.#readAll(batch, timeoutMs);
  }

  async #readOne(request: RangeRequest, timeoutMs: number): Promise<RangeResponse> {
    const payload = rangeToWire(request);
    const read = (response: IRangeResponse): RangeResponse => rangeFromWire(response, request);
    const call = {
      service: 'KV',
      method: 'range',
      payload,
      what: 'A read',
      isRepeatable: true,
      read,
    } as const;
    return this.#calls.run(call, timeoutMs);
  }

  async #readAll(batch: readonly PendingRead[], timeoutMs: number): Promise<readonly RangeResponse[]> {
    const txn: TxnRequest = { success: batch.map(({ request }) => ({ type: 'range', ...request })) };
    const payload = txnToWire(txn);
    const read = (response: ITxnResponse): TxnResponse => txnFromWire(response, txn);
    const call = { service: 'KV', method: 'txn', payload, what: 'A read', isRepeatable: true, read } as const;
    const { responses } = await this.#calls.run(call, timeoutMs);
    return responses as readonly (RangeResponse & { type: 'range' })[];
  }

  async #failed(batch: readonly PendingRead[], error: HmEtcdError): Promise<void> {
    if (isDivisible(error) && batch.length > 1) {
      const half = Math.ceil(batch.length / 2);
      if (limitExceededBy(error) === 'operations') this.#maxOperations = half;
      await this.#send(batch.slice(0, half));
      await this.#send(batch.slice(half));
      return;
    }
    const isLate = error instanceof RequestTimeoutError || error instanceof UnavailableError;
    if (isLate) {
      this.#obstacle = error;
      this.#limits.operations = Math.ceil(batch.length / 2);
    }
    // A batch has the time of its oldest read; the others may have some left.
    const latest = isLate ? callClock.now() : Infinity;
    for (const read of batch) {
      if (read.deadline > latest) this.#group.add(read);
      else read.reject(error);
    }
  }

  #limitBy(answers: readonly RangeResponse[]): void {
    const units = answers.reduce((sum, { kvs }) => sum + (kvs[0]?.value.length ?? 0), 0);
    const affordable = Math.floor((MAX_ANSWER_UNITS * answers.length) / Math.max(1, units));
    this.#limits.operations = Math.max(1, Math.min(this.#maxOperations, affordable));
  }

  #tooLate(): RequestTimeoutError {
    return new RequestTimeoutError(
      `A read was not sent to ${this.#calls.endpoints} within ${this.#timeoutMs} ms, because what was asked for before it was not answered. Try again, or raise requestTimeoutMs.`,
    );
  }
}
