import { uptime } from 'node:os';

/** Cancels a timer. Calling it again, or after the timer ran, does nothing. */
export type CancelTimer = () => void;

/** Time as leases and deadlines need it: it never goes back and does not follow the wall clock. */
export interface Clock {
  /** Milliseconds since some fixed point. */
  now(): number;

  /**
   * Runs `callback` once, when `now()` has grown by `delayMs` milliseconds or as soon as the event loop gets to it
   * afterwards. A `background` timer does not keep the process alive.
   */
  setTimer(delayMs: number, callback: () => void, options?: { background?: boolean }): CancelTimer;
}

/** The longest delay that `setTimeout` takes; above it, Node fires at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** In such steps the boot clock is told. That it is ahead by one is no suspension: the clock would halt for that long. */
const BOOT_STEP_MS = 10;

const startMs = { monotonic: performance.now(), boot: uptime() * 1000 };

/**
 * The larger of two clocks: the monotonic one goes on while a process is stopped but stands still while the
 * machine is suspended; the boot clock counts that time too. Leases on a server expire in both cases.
 */
function systemNow(): number {
  return Math.max(performance.now() - startMs.monotonic, uptime() * 1000 - startMs.boot - BOOT_STEP_MS);
}

function setSystemTimer(
  delayMs: number,
  callback: () => void,
  options: { background?: boolean } = {},
): CancelTimer {
  const dueAt = systemNow() + delayMs;
  let timer: NodeJS.Timeout;
  const arm = (remainingMs: number): void => {
    timer = setTimeout(runIfDue, Math.min(remainingMs, LONGEST_TIMEOUT_MS));
    if (options.background) timer.unref();
  };
  // Node's timers follow a clock of their own: one may run before its time has come on this one.
  const runIfDue = (): void => {
    const remainingMs = dueAt - systemNow();
    if (remainingMs > 0) arm(remainingMs);
    else callback();
  };
  arm(delayMs);
  return () => clearTimeout(timer);
}

export const systemClock: Clock = { now: systemNow, setTimer: setSystemTimer };

/**
 * Time for calls, which is cheap to ask for: reading the boot clock costs more than the rest of a call. It stands still
 * while the machine is suspended, which only gives a call that much longer.
 */
export const callClock: Clock = {
  now: () => performance.now(),
  setTimer(delayMs, callback, options = {}) {
    const timer = setTimeout(callback, Math.min(delayMs, LONGEST_TIMEOUT_MS));
    if (options.background) timer.unref();
    return () => clearTimeout(timer);
  },
};
