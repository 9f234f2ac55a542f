import { tellEnd, tellFailure, tellStart, traced } from '../store/channels.js';
import type { StorePlace } from '../store/store.js';
import type { LockHoldMessage, LockWaitMessage } from './channel-messages.js';
import { lockHoldChannel, lockWaitChannel } from './channels.js';
import type { LockLostError } from './errors.js';
import type { HeldLock } from './kvi.js';

/** Acquires a lock, and tells of the wait for it. */
export function tracedWait<T extends HeldLock>(
  place: StorePlace,
  name: string,
  acquire: () => Promise<T>,
): Promise<T> {
  if (!lockWaitChannel.hasSubscribers) return acquire();
  const message: LockWaitMessage = { ...place, name };
  return traced(lockWaitChannel, message, async () => {
    const lock = await acquire();
    message.fencingToken = lock.fencingToken;
    return lock;
  });
}

/** Tells of one hold, unless nobody listens at its grant. */
export class HoldTelemetry {
  #message: LockHoldMessage | undefined;

  constructor(place: StorePlace, { name, key, fencingToken }: HeldLock) {
    if (!lockHoldChannel.hasSubscribers) return;
    this.#message = { ...place, name, key, fencingToken };
    tellStart(lockHoldChannel, this.#message);
  }

  /** Told once; what is told afterwards does not count. */
  end(loss?: LockLostError): void {
    const message = this.#message;
    this.#message = undefined;
    if (message === undefined) return;
    if (loss === undefined) tellEnd(lockHoldChannel, message);
    else tellFailure(lockHoldChannel, message, loss);
  }
}
