import { setImmediate as endOfTurn } from 'node:timers/promises';
import {
  InvalidArgumentError,
  OutcomeUnknownError,
  PermissionDeniedError,
  UnavailableError,
} from '../store/errors.js';
import { GrowingPause } from '../store/growing-pause.js';
import { prefixSpan } from '../store/key-span.js';
import { pause } from '../store/pause.js';
import type {
  Compare,
  Operation,
  RangeResponse,
  Store,
  StorePlace,
  TxnRequest,
  TxnResponse,
} from '../store/store.js';
import { DeletionWatch } from './deletion-watch.js';
import { Hold, type HoldContext } from './held-lock.js';
import type { Acquisition, QueuePlace } from './key-removal.js';
import { isQueueKey, lockPrefix, tombstoneKey } from './keys.js';
import type { LateCopies } from './late-copies.js';
import { thisProcess } from './owner.js';
import type { Patience } from './patience.js';
import { PlacesAhead } from './places-ahead.js';
import type { Session } from './session.js';

/** What `lockInfo` shows of a holder; Go writes nothing here and reads nothing. */
const HOLDER = JSON.stringify(thisProcess);

/** A call that gives up waits so long for its key to be gone. With a store that does not answer, it goes later. */
const CLEAN_UP_MS = 250;

type EnteredPlace = QueuePlace & { readonly isFirst: boolean };

/**
 * Locks on the wire, as Go's `concurrency.Mutex` has them: everyone who wants a lock puts a leased key below its
 * prefix, and the key with the lowest create revision holds it. A waiter watches only the two keys before its own, so
 * a release wakes two: the next, which has the lock then, and the one behind it, which looks whom it has to wait for.
 *
 * Other than Go's, each acquisition has a key of its own, so one lease serves all locks of a handle, and a waiter
 * watches its own key too: when that goes, it starts again instead of waiting for nothing.
 */
export class LockQueue {
  readonly #store: Store;
  readonly #session: Session;
  readonly #context: HoldContext;
  readonly #lateCopies: LateCopies;
  readonly #holds = new Set<Hold>();
  readonly #namesInUse = new Map<string, number>();
  #acquisitions = 0;
  /** Whether the store's user may put tombstones; believed until the store says otherwise. */
  #canBury = true;

  constructor(store: Store, session: Session, context: HoldContext, lateCopies: LateCopies) {
    this.#store = store;
    this.#session = session;
    this.#context = context;
    this.#lateCopies = lateCopies;
  }

  get place(): StorePlace {
    return this.#store.place;
  }

  /**
   * Takes a lock; leaves no key behind when it does not get it.
   *
   * @throws the patience's reason when that ends first, at most 250 ms later, whatever the store is doing;
   * UnavailableError when the store's answer was lost; InvalidArgumentError for a name that stands above another's
   */
  async acquire(name: string, patience: Patience, maxHoldSec: number | undefined): Promise<Hold> {
    patience.signal.throwIfAborted();
    this.#use(name);
    const acquired = this.#untilAcquired(name, patience, maxHoldSec);
    try {
      return await patience.wait(acquired);
    } catch (error) {
      // What the store was asked cannot be taken back: it cleans up behind itself when it is answered.
      await this.#briefly(acquired.then((hold) => hold.release()));
      throw error;
    }
  }

  /** Tells every holder that its hold is over, and answers the holds. Their keys are left to the caller or the lease. */
  loseAll(why: string): Hold[] {
    const holds = [...this.#holds];
    for (const hold of holds) hold.lose(why);
    return holds;
  }

  async #briefly(cleanUp: Promise<void>): Promise<void> {
    const done = new AbortController();
    const end = (): void => done.abort();
    cleanUp.then(end, end);
    await pause(this.#context.clock, CLEAN_UP_MS, done.signal);
  }

  async #untilAcquired(name: string, patience: Patience, maxHoldSec: number | undefined): Promise<Hold> {
    const retries = new GrowingPause(this.#context.clock);
    try {
      for (;;) {
        patience.signal.throwIfAborted();
        const hold = await this.#attempt(name, patience, maxHoldSec);
        if (hold !== undefined) return hold;
        await retries.beforeNextTry(patience.signal);
      }
    } catch (error) {
      this.#unuse(name);
      throw error;
    }
  }

  /** Answers undefined when the lease or the key went away meanwhile. */
  #attempt(name: string, patience: Patience, maxHoldSec: number | undefined): Promise<Hold | undefined> {
    return this.#session.withLease(async (lease) => {
      patience.signal.throwIfAborted();
      const number = ++this.#acquisitions;
      const key = `${lockPrefix(name)}${lease.id}-${number}`;
      const acquisition = { key, lease, tombstone: tombstoneKey(lease.id, number) };
      this.#lateCopies.begin(name, acquisition);
      const place = patience.isOneTry
        ? await this.#takeIfFree(name, acquisition, patience)
        : await this.#join(name, acquisition);
      return this.#untilHeld(name, place, patience, maxHoldSec);
    });
  }

  /** Enters the queue, and sees in the same round trip whether it is the first. */
  async #join(name: string, acquisition: Acquisition): Promise<EnteredPlace> {
    const { revision, responses } = await this.#enter(name, acquisition, {
      success: [putPlace(acquisition), oldestOf(name)],
      failure: [oldestOf(name)],
    });
    const isFirst = rangeOf(responses[1]).kvs[0]?.key === acquisition.key;
    return { ...acquisition, token: revision, isFirst };
  }

  /** A try that finds the lock taken leaves no key, so that it wakes nobody. */
  async #takeIfFree(name: string, acquisition: Acquisition, patience: Patience): Promise<EnteredPlace> {
    const { succeeded, revision, responses } = await this.#enter(name, acquisition, {
      compare: [{ target: 'create', ...prefixSpan(lockPrefix(name)), operator: '=', revision: 0 }],
      success: [putPlace(acquisition)],
      failure: [oldestOf(name)],
    });
    if (succeeded) return { ...acquisition, token: revision, isFirst: true };
    const oldest = rangeOf(responses[0]).kvs[0];
    if (oldest !== undefined && isQueueKey(name, oldest)) {
      this.#lateCopies.end(acquisition.key);
      throw patience.timeoutError();
    }
    // What lies there is no place in the queue, perhaps a data key: only the queue itself can tell.
    return this.#join(name, acquisition);
  }

  /** Sends an acquisition, once. One whose answer is lost is ended, so that it creates no key afterwards. */
  async #enter(name: string, acquisition: Acquisition, request: TxnRequest): Promise<TxnResponse> {
    try {
      return await this.#send(acquisition, request);
    } catch (error) {
      if (!(error instanceof OutcomeUnknownError)) {
        this.#lateCopies.refused(acquisition.key);
        throw error;
      }
      await this.#end(acquisition);
      const reason = error.cause instanceof Error ? error.cause.message : error.message;
      throw new UnavailableError(
        `The lock '${name}' was not acquired: its request had no clear answer (${reason}). The place in its queue was given up. Try again.`,
        { cause: error },
      );
    }
  }

  async #send(acquisition: Acquisition, request: TxnRequest): Promise<TxnResponse> {
    if (!this.#canBury) return this.#store.txn(request);
    try {
      return await this.#store.txn(unlessBuried(acquisition, request));
    } catch (error) {
      if (!(error instanceof PermissionDeniedError)) throw error;
      // The lock itself may be what is denied: then this is, too.
      const response = await this.#store.txn(request);
      this.#goWithoutTombstones();
      return response;
    }
  }

  #goWithoutTombstones(): void {
    if (!this.#canBury) return;
    this.#canBury = false;
    this.#context.logger.warn(
      `The store's user may not use the keys under '\\0hmetcd/' (inside the namespace): when the answer to a lock call is lost, the whole session has to be given up, and every lock with it. Grant read and write there.`,
    );
  }

  /** A removal that fails goes on by itself: why the lock was not had is the caller's error to throw. */
  async #end(acquisition: Acquisition): Promise<void> {
    if (this.#canBury && (await this.#bury(acquisition))) return;
    await this.#session.discard(acquisition.lease, 'the answer to a lock call was lost');
  }

  /** Answers whether it may. */
  async #bury(acquisition: Acquisition): Promise<boolean> {
    try {
      await this.#context.removal.bury(acquisition);
    } catch (error) {
      if (error instanceof PermissionDeniedError) this.#goWithoutTombstones();
    }
    return this.#canBury;
  }

  async #untilHeld(
    name: string,
    place: EnteredPlace,
    patience: Patience,
    maxHoldSec: number | undefined,
  ): Promise<Hold | undefined> {
    const ownKey = this.#watchKey(place.key, place.token, place.token);
    try {
      const isHeld = place.isFirst || (await this.#untilFirst(name, place, ownKey, patience));
      patience.signal.throwIfAborted();
      if (isHeld && place.lease.isLive) return this.#hold(name, place, maxHoldSec, ownKey);
    } catch (error) {
      ownKey.cancel();
      await this.#leave(place);
      throw error;
    }
    ownKey.cancel();
    await this.#leave(place);
    return undefined;
  }

  /** Waits for its turn. Answers false when its own key or lease went away. */
  async #untilFirst(
    name: string,
    place: QueuePlace,
    ownKey: DeletionWatch,
    patience: Patience,
  ): Promise<boolean> {
    const ahead = new PlacesAhead(({ key, createRevision }, revision) =>
      this.#watchKey(key, createRevision, revision),
    );
    let stopListening = (): void => {};
    const leaseLost = new Promise<unknown>((resolve) => {
      stopListening = place.lease.onLost(resolve);
    });
    try {
      while (place.lease.isLive) {
        const { revision, kvs } = await this.#store.range(queueSpan(name));
        const queue = kvs.filter((record) => isQueueKey(name, record));
        const at = queue.findIndex(
          (record) => record.key === place.key && record.createRevision === place.token,
        );
        if (at <= 0) return at === 0;
        if (patience.isOneTry) throw patience.timeoutError();
        // Not the last one, but that before it: whoever becomes the second looks while the first still holds the lock.
        ahead.follow(queue.slice(Math.max(at - 2, 0), at), revision);
        await patience.wait(Promise.race([ahead.first.ended, ownKey.ended, leaseLost]));
        // Its own key may have gone with the other, in one revision, of which two watches tell in any order.
        await endOfTurn();
        // There was but one key before its own, of whatever kind, and none can come before it any more: create revisions
        // only grow. Nothing is left to look for.
        if (kvs[1]?.key === place.key && ahead.first.hasSeenDeletion) return !ownKey.isOver;
        // The same deletion may be the grant of another waiter of this process, which goes first.
        await endOfTurn();
      }
      return false;
    } finally {
      stopListening();
      ahead.follow([], 0);
    }
  }

  #hold(name: string, place: QueuePlace, maxHoldSec: number | undefined, ownKey: DeletionWatch): Hold {
    const hold = new Hold(name, place, maxHoldSec, ownKey, this.#context, (ended) => {
      this.#holds.delete(ended);
      this.#unuse(name);
    });
    if (!hold.isOver) this.#holds.add(hold);
    return hold;
  }

  #watchKey(key: string, createRevision: number, afterRevision: number): DeletionWatch {
    return new DeletionWatch(this.#store, this.#context.clock, key, createRevision, afterRevision);
  }

  /** Why the lock was not had is the caller's error to throw; the removal goes on by itself if it fails. */
  async #leave(place: QueuePlace): Promise<void> {
    await this.#context.removal.remove(place).catch(() => {});
  }

  /** `etcdctl lock jobs` waits for the holder of `jobs/1`; a handle that held both ways would wait for itself. */
  #use(name: string): void {
    const below = [...this.#namesInUse.keys()].find((used) => used.startsWith(lockPrefix(name)));
    if (below !== undefined) {
      throw new InvalidArgumentError(
        `name must not be a path prefix of a lock that this handle uses, but '${name}' is one of '${below}'. ` +
          `Choose names that do not contain each other. Nothing was sent.`,
      );
    }
    this.#namesInUse.set(name, (this.#namesInUse.get(name) ?? 0) + 1);
  }

  #unuse(name: string): void {
    const uses = this.#namesInUse.get(name)! - 1;
    if (uses === 0) this.#namesInUse.delete(name);
    else this.#namesInUse.set(name, uses);
  }
}

function queueSpan(name: string): { key: string; rangeEnd: string; keysOnly: true; oldestFirst: true } {
  return { ...prefixSpan(lockPrefix(name)), keysOnly: true, oldestFirst: true };
}

function oldestOf(name: string): Operation {
  return { type: 'range', ...queueSpan(name), limit: 1 };
}

function putPlace({ key, lease }: Acquisition): Operation {
  return { type: 'put', key, value: HOLDER, lease: lease.id };
}

function unlessBuried({ tombstone }: Acquisition, { compare = [], ...branches }: TxnRequest): TxnRequest {
  const isNotBuried: Compare = { target: 'create', key: tombstone, operator: '=', revision: 0 };
  return { compare: [isNotBuried, ...compare], ...branches };
}

function rangeOf(response: unknown): RangeResponse {
  return response as RangeResponse;
}
