import type { Clock } from './clock.js';

/** Waits for what others may wait for as well, no longer than `timeoutMs`: what it is goes on, and its end is nobody's. */
export async function inTime<T>(
  clock: Clock,
  awaited: Promise<T>,
  timeoutMs: number,
  timeoutError: () => Error,
): Promise<T> {
  let cancelTimer = (): void => {};
  const timeUp = new Promise<never>((_resolve, reject) => {
    cancelTimer = clock.setTimer(timeoutMs, () => reject(timeoutError()));
  });
  try {
    return await Promise.race([awaited, timeUp]);
  } finally {
    cancelTimer();
  }
}
