import type { Clock } from './clock.js';

/**
 * Waits until `ms` milliseconds are over or the signal aborts, whichever comes first. Keeps the process alive
 * meanwhile, unless it is a `background` pause.
 */
export function pause(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  options: { background?: boolean } = {},
): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      cancelTimer();
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const cancelTimer = clock.setTimer(ms, wake, options);
    signal.addEventListener('abort', wake);
    if (signal.aborted) wake();
  });
}
