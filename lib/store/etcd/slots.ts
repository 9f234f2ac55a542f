import { callClock } from '../clock.js';
import { type HmEtcdError, LeaseNotFoundError, RequestTimeoutError } from '../errors.js';
import { inTime } from '../in-time.js';
import type { LeaseId, TxnRequest, WriterSession } from '../store.js';
import type { Calls } from './calls.js';
import { isNoSpace } from './error-table.js';
import { RecordedTxn } from './recorded-txn.js';
import { Slot, SlotLostError } from './slot.js';
import type { Applied, WriteSender } from './write-sender.js';

/** Sends each batch until its outcome is known: on its lane's slot, which is made on first use. */
export class Slots implements WriteSender {
  readonly #calls: Calls;
  readonly #session: WriterSession;
  readonly #reserveMs: number;
  readonly #ofLane = new Map<number, Slot>();
  #made = 0;

  /** @param reserveMs what is left of a batch's time for finding out what became of it */
  constructor(calls: Calls, session: WriterSession, reserveMs: number) {
    this.#calls = calls;
    this.#session = session;
    this.#reserveMs = reserveMs;
  }

  async send(requests: readonly TxnRequest[], lane: number, timeoutMs: number): Promise<Applied> {
    const deadline = callClock.now() + timeoutMs;
    const granting = this.#session.lease();
    const lease = typeof granting === 'string' ? granting : await this.#granted(granting, timeoutMs);
    const known = this.#ofLane.get(lane);
    // A slot serves its own session only: what is sent again under another could be applied twice.
    const slot =
      known?.lease === lease ? known : await this.#makeSlot(lease, lane, deadline - callClock.now());
    let marks = 0;
    const txns = requests.map((request) => new RecordedTxn(request, () => marks++));
    try {
      return await slot.apply(txns, deadline - callClock.now());
    } catch (error) {
      if (error instanceof LeaseNotFoundError) this.#session.lost(slot.lease);
      if (isSlotGone(error as HmEtcdError)) this.#ofLane.delete(lane);
      throw error;
    }
  }

  async decided(lane: number): Promise<void> {
    const slot = this.#ofLane.get(lane);
    this.#ofLane.delete(lane);
    await slot?.decided();
  }

  /** A grant has a time of its own, and may have begun long after the call of the writes that wait for it. */
  #granted(granting: Promise<LeaseId>, timeoutMs: number): Promise<LeaseId> {
    const timeoutError = (): Error =>
      new RequestTimeoutError(
        `A write was not sent to ${this.#calls.endpoints}: no lease was granted in time for its record. Nothing was applied. Try again, or raise requestTimeoutMs.`,
      );
    return inTime(callClock, granting, timeoutMs, timeoutError);
  }

  async #makeSlot(lease: LeaseId, lane: number, timeoutMs: number): Promise<Slot> {
    const key = `${this.#session.prefix}${lease}/s${this.#made++}`;
    try {
      const slot = await Slot.create(this.#calls, lease, key, this.#reserveMs, timeoutMs);
      this.#ofLane.set(lane, slot);
      return slot;
    } catch (error) {
      if (error instanceof LeaseNotFoundError) this.#session.lost(lease);
      throw error;
    }
  }
}

/** Where there was no space it was deleted to find out what had become of the batch. */
function isSlotGone(error: HmEtcdError): boolean {
  return error instanceof LeaseNotFoundError || error instanceof SlotLostError || isNoSpace(error);
}
