import { performance } from 'node:perf_hooks';
import * as timers from 'node:timers';
import { refuseNumber } from '../kvi/validate.js';
import type { CancelTimer, Clock } from '../store/clock.js';

/** As they are when this is loaded: who puts others in their place later means time as the tested code sees it. */
const real = {
  now: performance.now.bind(performance),
  setTimeout: timers.setTimeout,
  clearTimeout: timers.clearTimeout,
  setImmediate: timers.setImmediate,
};

/** Above it, Node fires at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** A lock goes from hand to hand in fewer. */
const TURNS_TO_SETTLE = 8;

interface Timer {
  readonly dueAt: number;
  readonly callback: () => void;
  readonly background: boolean;
  alarm?: NodeJS.Timeout;
}

/**
 * The time of a `TestStore` and of everything that is opened on it: leases, deadlines, keep-alives, `maxHoldSec`, pauses
 * between tries. It does not touch the timers of the tested code, nor does anything that fakes those touch it.
 *
 * @publicApi
 */
export class TestClock implements Clock {
  readonly #timers = new Set<Timer>();
  #now = 0;
  /** When `#now` was true, on the real clock; undefined while this one stands still. */
  #asOf: number | undefined;

  /** Milliseconds since the clock was made, those by which it was moved included. */
  now(): number {
    if (this.#asOf !== undefined) {
      const asOf = real.now();
      this.#now += asOf - this.#asOf;
      this.#asOf = asOf;
    }
    return this.#now;
  }

  /**
   * Runs `callback` once, when this clock has gone on by `delayMs` milliseconds. A `background` timer does not keep the
   * process alive. Answers how to cancel it.
   */
  setTimer(delayMs: number, callback: () => void, options: { background?: boolean } = {}): CancelTimer {
    const dueAt = this.now() + Math.max(0, delayMs);
    const timer: Timer = { dueAt, callback, background: options.background ?? false };
    this.#timers.add(timer);
    this.#setAlarm(timer);
    return () => this.#drop(timer);
  }

  /** @internal How many timers are set; without `background` ones, how many are to keep a process alive. */
  timerCount({ background = true } = {}): number {
    return [...this.#timers].filter((timer) => background || !timer.background).length;
  }

  /**
   * Moves time forward by `ms` milliseconds. What comes due meanwhile happens in its order, each at its own time, and
   * what it starts comes to rest before the next; at the end, everything that needs no more time has come to rest.
   * `advance(0)` waits for that alone.
   *
   * @throws InvalidArgumentError
   */
  async advance(ms: number): Promise<void> {
    checkMilliseconds('ms', ms);
    await this.runTimers(ms);
    for (let turn = 0; turn < TURNS_TO_SETTLE; turn++) await turnOfTheLoop();
  }

  /** @internal As `advance`, for who starts nothing that takes several turns of the event loop to come to rest. */
  async runTimers(ms: number): Promise<void> {
    const end = this.now() + ms;
    await turnOfTheLoop();
    for (let timer = this.#nextUntil(end); timer !== undefined; timer = this.#nextUntil(end)) {
      this.#moveTo(timer.dueAt);
      this.#run(timer);
      await turnOfTheLoop();
    }
    this.#moveTo(end);
    this.#setAlarms();
  }

  /**
   * Moves time forward by `ms` milliseconds in which nothing runs, as in a process that was stopped or whose event loop
   * was blocked: what has come due meanwhile happens afterwards, late.
   *
   * @throws InvalidArgumentError
   */
  skip(ms: number): void {
    checkMilliseconds('ms', ms);
    this.#moveTo(this.now() + ms);
    this.#setAlarms();
  }

  /** From now on time stands still, but for `advance` and `skip`. What waits for it waits until then: `app.close()`, too. */
  stop(): void {
    this.now();
    this.#asOf = undefined;
    this.#setAlarms();
  }

  /** Lets time go on by itself again. */
  start(): void {
    this.#asOf ??= real.now();
    this.#setAlarms();
  }

  /** Never back: real time may have got there before. */
  #moveTo(time: number): void {
    this.#now = Math.max(this.now(), time);
  }

  #setAlarms(): void {
    for (const timer of this.#timers) this.#setAlarm(timer);
  }

  #setAlarm(timer: Timer): void {
    real.clearTimeout(timer.alarm);
    if (this.#asOf === undefined) return;
    const delayMs = Math.min(Math.max(0, timer.dueAt - this.now()), LONGEST_TIMEOUT_MS);
    timer.alarm = real.setTimeout(() => this.#ring(timer), delayMs);
    if (timer.background) timer.alarm.unref();
  }

  /** Node's timers may ring a little early, and the longest ones do. */
  #ring(timer: Timer): void {
    if (timer.dueAt > this.now()) this.#setAlarm(timer);
    else this.#run(timer);
  }

  #run(timer: Timer): void {
    this.#drop(timer);
    timer.callback();
  }

  #drop(timer: Timer): void {
    this.#timers.delete(timer);
    real.clearTimeout(timer.alarm);
  }

  /** The earlier set first among equals. */
  #nextUntil(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueAt <= end && (next === undefined || timer.dueAt < next.dueAt)) next = timer;
    }
    return next;
  }
}

/** Everything that waits for nothing but promises is done by then. */
function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => {
    real.setImmediate(resolve);
  });
}

export function checkMilliseconds(argument: string, ms: unknown): void {
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms < 0) {
    throw refuseNumber(argument, 'a finite number of milliseconds, 0 or more', ms);
  }
}
