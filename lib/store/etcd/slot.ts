import type { ITxnResponse } from 'etcd3';
import { randomUUID } from 'node:crypto';
import { callClock } from '../clock.js';
import { ClosedError, type HmEtcdError, LeaseNotFoundError, OutcomeUnknownError } from '../errors.js';
import { pause } from '../pause.js';
import type { KeyRecord, LeaseId, Operation, RangeResponse, TxnRequest, TxnResponse } from '../store.js';
import type { Calls } from './calls.js';
import { txnFromWire, txnToWire } from './codec.js';
import { isNoSpace } from './error-table.js';
import { namedRights } from './named-rights.js';
import type { RecordedTxn } from './recorded-txn.js';
import type { Applied } from './write-sender.js';

/** How soon after a refusal the slot is bumped again. */
const RETRY_MS = 500;

/** The slot's key is not as its owner left it, and what was asked for was not applied. Another slot may do it. */
export class SlotLostError extends Error {}

/**
 * Applies one batch of txns after the other, each exactly once. The slot is a key that every batch puts, and whose mod
 * revision every batch compares: of all copies of a batch one is applied at most, and the slot's value tells which batch
 * that was. The key lives under the session's lease, so the store refuses what comes from a session that is over.
 */
export class Slot {
  readonly lease: LeaseId;
  readonly #calls: Calls;
  readonly #key: string;
  readonly #reserveMs: number;
  /** No other slot, of whatever session or history, has left this in a key. */
  readonly #signature = randomUUID();
  #modRevision: number;
  #batches = 0;
  /** Copies of this batch may still be on their way. */
  #undecided: string | undefined;

  private constructor(calls: Calls, lease: LeaseId, key: string, reserveMs: number, modRevision: number) {
    this.lease = lease;
    this.#calls = calls;
    this.#key = key;
    this.#reserveMs = reserveMs;
    this.#modRevision = modRevision;
  }

  /**
   * Makes a slot of a key that was none before. To compare with mod revision 0 on first use would not do instead: after
   * the lease's end a slot looks so, too, whatever it has applied.
   *
   * @param reserveMs what is left of a batch's time for finding out what became of it
   * @throws LeaseNotFoundError, and as `Calls.run`
   */
  static async create(
    calls: Calls,
    lease: LeaseId,
    key: string,
    reserveMs: number,
    timeoutMs: number,
  ): Promise<Slot> {
    const request: TxnRequest = {
      compare: [{ target: 'create', key, operator: '=', revision: 0 }],
      success: [{ type: 'put', key, value: '', lease }],
      failure: [{ type: 'range', key }],
    };
    const response = await run(calls, request, timeoutMs);
    // A copy whose answer was lost may have made it.
    const made = response.succeeded ? response.revision : recordsOf(response)[0]?.modRevision;
    if (made === undefined) throw new SlotLostError('The slot is there and is not.');
    return new Slot(calls, lease, key, reserveMs, made);
  }

  /**
   * Applies a batch; one at a time. After OutcomeUnknownError the slot is of no more use, and `decided` tells when.
   *
   * @param timeoutMs for all attempts, and for finding out what became of them
   * @throws SlotLostError, LeaseNotFoundError, what refused the batch, or as `Calls.run`: nothing was applied, nor will
   * be; OutcomeUnknownError when that could not be found out
   */
  async apply(txns: readonly RecordedTxn[], timeoutMs: number): Promise<Applied> {
    const deadline = callClock.now() + timeoutMs;
    const id = `${this.#signature}/${++this.#batches}`;
    let isUnanswered = false;
    const onUnanswered = (): void => void (isUnanswered = true);
    try {
      const response = await run(
        this.#calls,
        this.#batch(id, txns),
        timeoutMs - this.#reserveMs,
        onUnanswered,
      );
      if (response.succeeded) return this.#answered(response, txns);
      return this.#remembered(id, recordsOf(response), txns, isUnanswered);
    } catch (error) {
      // Of writes that are under way when the space ends etcd refuses some and applies them all the same.
      if (!isUnanswered && !isNoSpace(error as HmEtcdError)) throw error;
      if (error instanceof OutcomeUnknownError) throw error;
      this.#undecided = id;
      return this.#remembered(id, await this.#bump(id, error, deadline), txns, true);
    }
  }

  /** Resolves when nothing that was sent can be applied any more, or nothing can be asked any more. */
  async decided(): Promise<void> {
    while (this.#undecided !== undefined) {
      try {
        await this.#tryBump(this.#undecided);
      } catch (error) {
        if (error instanceof LeaseNotFoundError || error instanceof ClosedError) return;
        await pause(callClock, RETRY_MS, new AbortController().signal, { background: true });
      }
    }
  }

  #batch(id: string, txns: readonly RecordedTxn[]): TxnRequest {
    const putMark = (mark: number): Operation => this.#put(`${this.#key}/${mark}`, id);
    const { compare, success, failure } = this.#ifUntouched([
      this.#put(this.#key, id),
      ...txns.flatMap((txn) => txn.operations(putMark)),
    ]);
    // To one whom it does not know, a server with users refuses the slot.
    const nested = this.#calls.hasUser ? txns.filter(({ isNested }) => isNested) : [];
    const rights = namedRights(nested.map((txn) => txn.request));
    return {
      compare: [...compare, ...rights.compare],
      success,
      failure: [...failure, ...rights.operations],
    };
  }

  #ifUntouched(success: readonly Operation[]): Required<TxnRequest> {
    return {
      compare: [{ target: 'mod', key: this.#key, operator: '=', revision: this.#modRevision }],
      success,
      // The slot and its marks: a zero comes after the slash, and no other slot's name in between.
      failure: [{ type: 'range', key: this.#key, rangeEnd: `${this.#key}0` }],
    };
  }

  #put(key: string, value: string): Operation {
    return { type: 'put', key, value, lease: this.lease };
  }

  #answered({ revision, responses }: TxnResponse, txns: readonly RecordedTxn[]): Applied {
    this.#modRevision = revision;
    const rest = responses.values();
    rest.next();
    return { revision, outcomes: txns.map((txn) => txn.answered(rest)) };
  }

  /** Nothing was done this time, because the slot is not as it was left: what lies there tells why. */
  #remembered(
    id: string,
    records: readonly KeyRecord[],
    txns: readonly RecordedTxn[],
    isUnanswered: boolean,
  ): Applied {
    const slot = records.find(({ key }) => key === this.#key);
    if (slot?.value !== id) {
      if (isUnanswered) throw this.#unknown('the slot that would tell is gone');
      throw new SlotLostError('The slot was deleted or written by another.');
    }
    this.#modRevision = slot.modRevision;
    const marks = new Set(records.filter(({ value }) => value === id).map(({ key }) => key));
    const isMarked = (mark: number): boolean => marks.has(`${this.#key}/${mark}`);
    return { revision: slot.modRevision, outcomes: txns.map((txn) => txn.remembered(isMarked)) };
  }

  /**
   * Ends a batch of which copies may be on their way: none of them can be applied afterwards.
   *
   * @returns what lies in the slot, when one had been applied
   * @throws `why` when none had
   */
  async #bump(id: string, why: unknown, deadline: number): Promise<readonly KeyRecord[]> {
    let records: readonly KeyRecord[] | undefined;
    try {
      records = await this.#tryBump(id, Math.max(1, deadline - callClock.now()));
    } catch (error) {
      if (error instanceof LeaseNotFoundError) this.#undecided = undefined;
      throw this.#unknown(reasonOf(why as Error), error);
    }
    if (records === undefined) throw why;
    return records;
  }

  /** Answers undefined when the slot was bumped, else what lies there. */
  async #tryBump(id: string, timeoutMs?: number): Promise<readonly KeyRecord[] | undefined> {
    const bumped = `${id}/bumped`;
    const response = await this.#touch(bumped, timeoutMs);
    this.#undecided = undefined;
    if (response.succeeded) {
      this.#modRevision = response.revision;
      return undefined;
    }
    const records = recordsOf(response);
    const slot = records.find(({ key }) => key === this.#key);
    if (slot?.value !== bumped) return records;
    // An earlier copy of the bump whose answer was lost.
    this.#modRevision = slot.modRevision;
    return undefined;
  }

  /** Where there is no space for a put, the slot is deleted instead: a copy does not find it as it was either. */
  async #touch(bumped: string, timeoutMs: number | undefined): Promise<TxnResponse> {
    const startedAt = callClock.now();
    try {
      return await run(this.#calls, this.#ifUntouched([this.#put(this.#key, bumped)]), timeoutMs);
    } catch (error) {
      if (!isNoSpace(error as HmEtcdError)) throw error;
      const leftMs = timeoutMs && Math.max(1, timeoutMs - (callClock.now() - startedAt));
      return run(this.#calls, this.#ifUntouched([{ type: 'delete', key: this.#key }]), leftMs);
    }
  }

  #unknown(why: string, cause?: unknown): OutcomeUnknownError {
    return new OutcomeUnknownError(
      `A write was sent to ${this.#calls.endpoints}, but its answer was lost (${why}): it may have been applied. Read before you decide; do not simply repeat it.`,
      { cause },
    );
  }
}

function run(
  calls: Calls,
  request: TxnRequest,
  timeoutMs: number | undefined,
  onUnanswered?: () => void,
): Promise<TxnResponse> {
  return calls.run(
    {
      service: 'KV',
      method: 'txn',
      payload: txnToWire(request),
      what: 'A write',
      isRepeatable: true,
      onUnanswered,
      read: (response: ITxnResponse) => txnFromWire(response, request),
    },
    timeoutMs,
  );
}

function recordsOf({ responses }: TxnResponse): readonly KeyRecord[] {
  return (responses[0] as RangeResponse).kvs;
}

/** Without the words around it, which say that nothing was applied. */
function reasonOf({ message, cause }: Error): string {
  return cause instanceof Error ? cause.message : message;
}
