import type { CancelTimer, Clock } from '../clock.js';

/**
 * Calls `giveUp` when no answer has come within `ms` milliseconds; whoever has the answer cancels it. After a block or a
 * stop of the process timers run first: an answer that lies in the socket by then is looked at before, or it would be
 * passed over.
 */
export function setAnswerTimer(
  clock: Clock,
  ms: number,
  giveUp: () => void,
  options?: { background?: boolean },
): CancelTimer {
  let isCancelled = false;
  const giveUpUnlessCancelled = (): void => {
    if (!isCancelled) giveUp();
  };
  const cancelTimer = clock.setTimer(ms, () => setImmediate(giveUpUnlessCancelled), options);
  return () => {
    isCancelled = true;
    cancelTimer();
  };
}
