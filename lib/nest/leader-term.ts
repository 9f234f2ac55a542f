import type { HeldLock } from '../kvi/kvi.js';

/**
 * A term as leader: what the methods under `@OnElected` and `@OnDeposed` are called with. It is the held lock, but for
 * giving it back, which the library does when every method has ended.
 *
 * @publicApi
 */
export interface LeaderTerm extends Pick<
  HeldLock,
  'name' | 'key' | 'fencingToken' | 'kv' | 'isHeld' | 'assertHeld'
> {
  /**
   * Aborts when the term is over: with a LockLostError as its reason when leadership is lost, another may lead soon or
   * already; with a ClosedError when the application shuts down, where the lock is still held until the methods of the
   * term have ended.
   */
  readonly signal: AbortSignal;
}

/** @param givenUp aborts when the instance is to lead no longer, although it could */
export function termUnder(lock: HeldLock, givenUp: AbortSignal): LeaderTerm {
  const { name, key, fencingToken, kv } = lock;
  return {
    name,
    key,
    fencingToken,
    kv,
    signal: AbortSignal.any([lock.signal, givenUp]),
    get isHeld() {
      return lock.isHeld;
    },
    assertHeld: () => lock.assertHeld(),
  };
}
