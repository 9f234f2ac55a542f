import { uptime } from 'node:os';

/** Cancels a timer. Calling it again, or after the timer ran, does nothing. */
export type CancelTimer = () => void;

/** Time as leases and deadlines need it: it never goes back and does not follow the wall clock. */
export interface Clock {
  /** Milliseconds since some fixed point. */
  now(): number;

  /**
   * Runs `callback` once, after `delayMs` milliseconds or as soon as the event loop gets to it afterwards.
   * A `background` timer does not keep the process alive.
   */
  setTimer(delayMs: number, callback: () => void, options?: { background?: boolean }): CancelTimer;
}

/** The longest delay that `setTimeout` takes; above it, Node fires at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

const startMs = { monotonic: performance.now(), boot: uptime() * 1000 };

/**
 * The larger of two clocks: the monotonic one goes on while a process is stopped but stands still while the
 * machine is suspended; the boot clock counts that time too. Leases on a server expire in both cases.
 */
function systemNow(): number {
  return Math.max(performance.now() - startMs.monotonic, uptime() * 1000 - startMs.boot);
}

function setSystemTimer(
  delayMs: number,
  callback: () => void,
  options: { background?: boolean } = {},
): CancelTimer {
  let timer: NodeJS.Timeout;
  const arm = (remainingMs: number): void => {
    const stepMs = Math.min(remainingMs, LONGEST_TIMEOUT_MS);
    const isLast = stepMs === remainingMs;
    timer = setTimeout(() => (isLast ? callback() : arm(remainingMs - stepMs)), stepMs);
    if (options.background) timer.unref();
  };
  arm(Math.max(0, delayMs));
  return () => clearTimeout(timer);
}

export const systemClock: Clock = { now: systemNow, setTimer: setSystemTimer };
