import type { Clock } from './clock.js';

/** Waits until `ms` milliseconds are over or the signal aborts, whichever comes first. Keeps the process alive meanwhile. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      cancelTimer();
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const cancelTimer = clock.setTimer(ms, wake);
    signal.addEventListener('abort', wake);
    if (signal.aborted) wake();
  });
}
