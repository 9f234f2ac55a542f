import { setImmediate as endOfTurn } from 'node:timers/promises';
import { callClock } from '../clock.js';
import { AuthenticationError } from '../errors.js';
import { GrowingPause } from '../growing-pause.js';
import { pause } from '../pause.js';
import type { MemberHealth } from '../store.js';
import type { Calls } from './calls.js';
import { isNotSent, isTimeout, lastReason, refusalOf } from './error-table.js';
import type { Member } from './member.js';
import type { Status } from './messages.js';

/** Once one has answered, the others have this long: a dead one does not make every check slow. */
const OTHERS_MS = 250;

const WHAT = 'A check of health';

/** By their numbers in etcd's messages. */
const ALARM_NAMES = ['NONE', 'NOSPACE', 'CORRUPT'];

/** Asks all members side by side, and tells what was answered within `timeoutMs` at the most. */
export async function membersHealth(
  members: readonly Member[],
  calls: Calls,
  timeoutMs: number,
): Promise<readonly MemberHealth[]> {
  const over = new AbortController();
  const checks = members.map((member) => new MemberCheck(member, calls, timeoutMs));
  const oneHasAnswered = new Promise<void>((resolve) => {
    for (const check of checks) void check.whenRead.then(resolve);
  });
  await Promise.race([
    Promise.all(checks.map((check) => check.run(over.signal))),
    oneHasAnswered.then(() => pause(callClock, OTHERS_MS, over.signal)),
    pause(callClock, timeoutMs, over.signal),
  ]);
  // After a block of the event loop timers run first: an answer that has come would be passed over.
  await endOfTurn();
  over.abort();
  return checks.map(({ found }) => found);
}

/** One look at one member. What has been found is told at any time. */
class MemberCheck {
  /** Resolves when the member has answered the read; never when it does not. */
  readonly whenRead: Promise<void>;
  readonly #member: Member;
  readonly #calls: Calls;
  readonly #timeoutMs: number;
  readonly #deadline: number;
  #hasLeader: boolean | undefined;
  #alarms: readonly string[] = [];
  #read: MemberHealth['read'] = 'unanswered';
  /** Whether it answered anything at all, a refusal included. */
  #isReachable = false;
  #failure: string;
  #tellRead = (): void => {};

  constructor(member: Member, calls: Calls, timeoutMs: number) {
    this.#member = member;
    this.#calls = calls;
    this.#timeoutMs = timeoutMs;
    this.#deadline = callClock.now() + timeoutMs;
    this.#failure = `no answer within ${Math.round(timeoutMs)} ms`;
    this.whenRead = new Promise((resolve) => {
      this.#tellRead = resolve;
    });
  }

  get found(): MemberHealth {
    return {
      endpoint: this.#member.url,
      isReachable: this.#isReachable || this.#read !== 'unanswered',
      // No read is answered without one.
      hasLeader: this.#hasLeader ?? (this.#read === 'answered' || undefined),
      read: this.#read,
      alarms: this.#alarms,
      failure: this.#read === 'answered' ? undefined : this.#failure,
    };
  }

  async run(over: AbortSignal): Promise<void> {
    await Promise.all([this.#learnStatus(), this.#readUntil(over)]);
  }

  /** What fails here but is no refusal fails the read as well, which tells why. */
  async #learnStatus(): Promise<void> {
    try {
      this.#seeStatus(await this.#askStatus());
    } catch (error) {
      // etcd 3.5.28 to 3.5.30, and 3.6 before 3.6.12, tell the status to root alone, but alarms to every user.
      if (refusalOf(error, WHAT) === undefined) return;
      await this.#askAlarms().catch(() => {});
    }
  }

  /** Without a token first: to get one takes a quorum, and older servers ask for none. */
  async #askStatus(): Promise<Status> {
    try {
      return await this.#member.call<Status>('Maintenance', 'status', {}, this.#timeoutMs);
    } catch (error) {
      if (refusalOf(error, WHAT) === undefined) throw error;
      this.#isReachable = true;
      return this.#calls.statusOf(this.#member, this.#remainingMs);
    }
  }

  #seeStatus({ leader, errors }: Status): void {
    this.#isReachable = true;
    this.#hasLeader = String(leader) !== '0';
    this.#alarms = alarmsIn(errors);
  }

  async #askAlarms(): Promise<void> {
    const alarms = await this.#calls.alarmsOf(this.#member, this.#remainingMs);
    this.#alarms = [...new Set(alarms.map(({ alarm }) => ALARM_NAMES[alarm] ?? `ALARM_${alarm}`))];
  }

  /** A leader may be just being elected, or a connection made anew: as long as there is time, it is asked again. */
  async #readUntil(over: AbortSignal): Promise<void> {
    const retries = new GrowingPause(callClock);
    while (!over.aborted && this.#remainingMs > 0) {
      try {
        await this.#calls.presentHeader(this.#member, this.#remainingMs);
        this.#read = 'answered';
        return this.#tellRead();
      } catch (error) {
        this.#failure = lastReason((error as Error).message);
        if (refusalOf(error, WHAT) instanceof AuthenticationError) {
          this.#read = 'refused';
          return;
        }
        // Nobody listens there: another try would not find anybody either.
        if (isNotSent(error) && !isTimeout(error)) return;
        await retries.beforeNextTry(over, this.#remainingMs);
      }
    }
  }

  get #remainingMs(): number {
    return this.#deadline - callClock.now();
  }
}

/** etcd lists there, beside others, each alarm as `memberID:8630161756594109333 alarm:NOSPACE `. */
function alarmsIn(errors: readonly string[]): string[] {
  const names = errors.flatMap((error) => /\balarm:([A-Z_]{1,40})\b/.exec(error)?.[1] ?? []);
  return [...new Set(names)];
}
