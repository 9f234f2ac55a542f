import type { Clock } from '../store/clock.js';

/** Waits in the background until `ms` milliseconds are over or the signal aborts, whichever comes first. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      cancelTimer();
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const cancelTimer = clock.setTimer(ms, wake, { background: true });
    signal.addEventListener('abort', wake);
    if (signal.aborted) wake();
  });
}
