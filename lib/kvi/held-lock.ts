import type { CancelTimer, Clock } from '../store/clock.js';
import type { StorePlace } from '../store/store.js';
import type { DeletionWatch } from './deletion-watch.js';
import { LockLostError } from './errors.js';
import type { KeyRemoval, QueuePlace } from './key-removal.js';
import { type Fence, LockFence, type SendWrite } from './fenced-writes.js';
import type { FencedWrites, HeldLock } from './kvi.js';
import { HoldTelemetry } from './lock-telemetry.js';
import type { HmEtcdLogger } from './options.js';

/** What a hold needs of the handle it belongs to. */
export interface HoldContext {
  readonly clock: Clock;
  readonly logger: HmEtcdLogger;
  readonly removal: KeyRemoval;
  readonly place: StorePlace;
  readonly send: SendWrite;
}

/** A hold: from the grant of a lock until it is released or lost. */
export class Hold implements HeldLock, Fence {
  readonly name: string;
  readonly kv: FencedWrites;
  readonly #place: QueuePlace;
  readonly #context: HoldContext;
  readonly #ownKey: DeletionWatch;
  readonly #telemetry: HoldTelemetry;
  readonly #onEnd: (hold: Hold) => void;
  /** Undefined for a hold without maxHoldSec, which then reads no clock. */
  #endsAt: number | undefined;
  #isOver = false;
  /** Made for who asks for the signal. */
  #abort: AbortController | undefined;
  #loss: LockLostError | undefined;
  #releasing: Promise<void> | undefined;
  #cancelMaxHold: CancelTimer = () => {};
  #stopListening: () => void = () => {};

  /**
   * @param ownKey watches the hold's key from its creation on
   * @param onEnd told once, when the hold is over
   */
  constructor(
    name: string,
    place: QueuePlace,
    maxHoldSec: number | undefined,
    ownKey: DeletionWatch,
    context: HoldContext,
    onEnd: (hold: Hold) => void,
  ) {
    this.name = name;
    this.kv = new LockFence(this, context.send);
    this.#place = place;
    this.#context = context;
    this.#ownKey = ownKey;
    this.#onEnd = onEnd;
    this.#telemetry = new HoldTelemetry(context.place, this);
    if (maxHoldSec !== undefined) this.#endsAt = context.clock.now() + maxHoldSec * 1000;
    this.#stopListening = place.lease.onLost((why) => this.#reportLost(why));
    void ownKey.ended.then(() => this.#keyRemoved());
    if (maxHoldSec !== undefined && this.isHeld) this.#limit(maxHoldSec);
  }

  get key(): string {
    return this.#place.key;
  }

  get fencingToken(): number {
    return this.#place.token;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#loss !== undefined) this.#abort.abort(this.#loss);
    return this.#abort.signal;
  }

  /** Whether its end was told, without a look at the clocks. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get isHeld(): boolean {
    // Clocks first: in a process that was stopped or blocked no timer has run and no watch has told yet.
    if (!this.#isOver && this.#place.lease.isLive && this.#isOutstayed) this.#outstay();
    return !this.#isOver;
  }

  assertHeld(): void {
    if (!this.isHeld) throw this.#loss ?? released(this.name);
  }

  release(): Promise<void> {
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** Ends the hold without touching its key: who is running under it is told why. */
  lose(why: string): void {
    if (this.#isOver) return;
    this.#lose(why);
    this.#telemetry.end();
  }

  refused(): void {
    this.#keyRemoved();
  }

  /** Lifts maxHoldSec: nothing runs under the hold any more that would have to be ended. */
  unlimit(): void {
    this.#endsAt = undefined;
    this.#cancelMaxHold();
  }

  /** Deletes the key of a hold that is over, whether it was there or not. */
  async free(): Promise<void> {
    await this.#context.removal.remove(this.#place);
  }

  async #release(): Promise<void> {
    this.assertHeld();
    this.#end();
    try {
      if (await this.#context.removal.remove(this.#place)) return;
      const loss = new LockLostError(
        `The lock '${this.name}' was lost before it was released: its key was removed.`,
      );
      this.#telemetry.end(loss);
      throw loss;
    } finally {
      this.#telemetry.end();
    }
  }

  get #isOutstayed(): boolean {
    return this.#endsAt !== undefined && this.#context.clock.now() >= this.#endsAt;
  }

  #limit(maxHoldSec: number): void {
    const check = (): void => void this.isHeld;
    this.#cancelMaxHold = this.#context.clock.setTimer(maxHoldSec * 1000, check, { background: true });
  }

  /** The signal aborts before the key goes: nobody is granted the lock while its holder has not been told. */
  #outstay(): void {
    this.#reportLost('its maxHoldSec is over');
    this.free().catch(() => {});
  }

  /** That it has gone is confirmed, as at a release: from then on the key must not come back. */
  #keyRemoved(): void {
    if (this.#isOver) return;
    this.#reportLost('its key was removed');
    this.free().catch(() => {});
  }

  #reportLost(why: string): void {
    if (this.#isOver) return;
    this.#lose(why);
    this.#telemetry.end(this.#loss);
    this.#context.logger.error(this.#loss!.message);
  }

  #lose(why: string): void {
    this.#loss = new LockLostError(
      `The lock '${this.name}' was lost: ${why}. Stop what it protects; another may hold it.`,
    );
    this.#end();
    this.#abort?.abort(this.#loss);
  }

  #end(): void {
    this.#isOver = true;
    this.#cancelMaxHold();
    this.#stopListening();
    this.#ownKey.cancel();
    this.#onEnd(this);
  }
}

/** Made only for who asks after the release: its stack would cost more than the rest of a release. */
function released(name: string): LockLostError {
  return new LockLostError(`The lock '${name}' was released and is not held any more.`);
}
