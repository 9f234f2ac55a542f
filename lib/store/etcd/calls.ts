import { setMaxListeners } from 'node:events';
import { callClock } from '../clock.js';
import {
  ClosedError,
  type HmEtcdError,
  OutcomeUnknownError,
  PermissionDeniedError,
  RequestTimeoutError,
  RevisionOverflowError,
  UnavailableError,
} from '../errors.js';
import { pause } from '../pause.js';
import { CallError, NotSentError } from './call-errors.js';
import {
  adviceOn,
  certificateErrorOf,
  Code,
  isInvalidToken,
  isNoSpace,
  isNotSent,
  isTimeout,
  lastReason,
  refusalOf,
} from './error-table.js';
import type { HistoryGuard } from './history-guard.js';
import type { Member, Service } from './member.js';
import type { AlarmResponse, Header, Status } from './messages.js';
import type { TokenSource } from './token.js';

/** One attempt takes no longer, so that a member that does not answer costs a part of the call's time, not all of it. */
export const ATTEMPT_MS = 1500;

/** An attempt that had less says nothing of its member: it was the rest of a time that another had used up. */
const FAIR_MS = 250;

const FIRST_BACKOFF_MS = 20;
const LONGEST_BACKOFF_MS = 250;

/** Reading a key that exists nowhere costs nothing and needs a leader all the same. */
export const PROBE = {
  service: 'KV',
  method: 'range',
  payload: { key: Buffer.from('\0'), keys_only: true },
  isRepeatable: true,
} as const;

/** Compares nothing and does nothing, so that it takes no right; the member answers it by itself. */
const EMPTY_TXN = { service: 'KV', method: 'txn', payload: {}, isRepeatable: true } as const;

/** Its header tells what the member has by itself, which may lie behind. */
const STATUS = { service: 'Maintenance', method: 'status', payload: {}, isRepeatable: true } as const;

/** Without an action they are listed. etcd 3.4 answers without a header. */
const ALARMS = { service: 'Maintenance', method: 'alarm', payload: {}, isRepeatable: true } as const;

/** A call, whatever became of its attempts. */
export interface Call<T = unknown> {
  readonly service: Service;
  readonly method: string;
  readonly payload: object;
  /** What it does, for the beginning of an error's message. No value may be in it. */
  readonly what: string;
  /** Doing it twice is the same as doing it once, so a lost answer may be asked for again. */
  readonly isRepeatable: boolean;
  /** Makes of the response what the caller wants. Where it throws, the call counts as not answered. */
  readonly read: (response: never) => T;
  /** Told of each attempt that was not answered: a copy of the call may still be on its way. */
  readonly onUnanswered?: () => void;
}

/** What is done with an answer's header. Where it is looked at, an answer without one counts as none. */
type See = (header: Header) => void;

/** Of a header that does not say where the store stands. */
const unseen: See = () => {};

/** Unary calls over all members: one total deadline each, and a retry only where it can do no harm. */
export class Calls {
  readonly #members: readonly Member[];
  readonly #tokens: TokenSource;
  readonly #guard: HistoryGuard;
  readonly #timeoutMs: number;
  /** The member that answered last is asked first. */
  #preferred = 0;
  readonly #closing = new AbortController();

  constructor(members: readonly Member[], tokens: TokenSource, guard: HistoryGuard, timeoutMs: number) {
    this.#members = members;
    this.#tokens = tokens;
    this.#guard = guard;
    this.#timeoutMs = timeoutMs;
    // Every call that waits for its next attempt listens: to Node, more than ten look like a leak.
    setMaxListeners(0, this.#closing.signal);
  }

  /** For messages. */
  get endpoints(): string {
    return this.#members.map(({ url }) => url).join(', ');
  }

  /** Where to open a stream: the member that answered last, or the one that follows that which just failed. */
  nextMember(failed: Member | undefined): Member {
    const place = failed === undefined ? this.#preferred : this.#members.indexOf(failed) + 1;
    return this.#members[place % this.#members.length]!;
  }

  /**
   * @throws the typed error for a refusal; RequestTimeoutError or UnavailableError when no attempt was answered,
   * and nothing was applied; OutcomeUnknownError when a call that is not repeatable may have been
   */
  async run<T>(call: Call<T>, timeoutMs = this.#timeoutMs): Promise<T> {
    const deadline = callClock.now() + timeoutMs;
    // Other calls move the preference meanwhile; this one asks each member in its turn.
    const first = this.#preferred;
    let backoffMs = FIRST_BACKOFF_MS;
    let failure: Error | undefined;
    for (let attempt = 0; ; attempt++) {
      const remainingMs = deadline - callClock.now();
      if (remainingMs <= 0) throw this.#givenUp(call, failure, timeoutMs);
      if (this.#closing.signal.aborted) throw new ClosedError('The handle is closed.');
      const place = (first + attempt) % this.#members.length;
      try {
        const response = await this.#attempt(this.#members[place]!, call, remainingMs);
        this.#preferred = place;
        return response;
      } catch (error) {
        // What cleans up behind this call must not begin with the member that did not answer it.
        if (isTimeout(error) && remainingMs >= FAIR_MS && this.#preferred === place)
          this.#preferred = (place + 1) % this.#members.length;
        failure = this.#retryable(call, error);
      }
      if (attempt % this.#members.length === this.#members.length - 1) {
        await pause(callClock, Math.min(backoffMs, timeUntil(deadline)), this.#closing.signal);
        backoffMs = Math.min(backoffMs * 2, LONGEST_BACKOFF_MS);
      }
    }
  }

  /**
   * Asks one member, linearizably, where it stands. A user who may not read was answered with a quorum all the same,
   * but without a header: an empty transaction tells it then, and is no older than that answer. It may be older than
   * what others have been answered since.
   */
  async presentHeader(member: Member, timeoutMs: number): Promise<Header> {
    const what = 'Asking for the present revision';
    const read = ({ header }: { header: Header }): Header => header;
    const deadline = callClock.now() + timeoutMs;
    const see = this.#guard.begin();
    try {
      return await this.#askMember(member, { ...PROBE, what, read }, timeoutMs, see);
    } catch (error) {
      if (!(refusalOf(error, what) instanceof PermissionDeniedError)) throw error;
      return this.#askMember(member, { ...EMPTY_TXN, what, read }, timeUntil(deadline), see);
    }
  }

  /** What a member says of itself. Since etcd 3.5.28 it takes a user, up to 3.5.30 and 3.6.11 the root user. */
  statusOf(member: Member, timeoutMs: number): Promise<Status> {
    const read = (status: Status): Status => status;
    return this.#askMember(member, { ...STATUS, what: 'Asking for the status', read }, timeoutMs, unseen);
  }

  /** The alarms that any member has raised. It takes a quorum, and from etcd 3.5.29 on no more than a user. */
  alarmsOf(member: Member, timeoutMs: number): Promise<AlarmResponse['alarms']> {
    const read = ({ alarms }: AlarmResponse): AlarmResponse['alarms'] => alarms;
    return this.#askMember(member, { ...ALARMS, what: 'Asking for alarms', read }, timeoutMs, unseen);
  }

  /** Whether servers know on whose behalf they are called, by a name or by a certificate. */
  get hasUser(): boolean {
    return this.#tokens.hasCredentials || this.#members.some(({ hasCertificate }) => hasCertificate);
  }

  close(): void {
    this.#closing.abort();
  }

  /** A token that was refused has been forgotten: the second attempt asks for another. */
  async #askMember<T>(member: Member, call: Call<T>, timeoutMs: number, see: See): Promise<T> {
    try {
      return await this.#attempt(member, call, timeoutMs, see);
    } catch (error) {
      if (!isInvalidToken(error)) throw error;
      return this.#attempt(member, call, timeoutMs, see);
    }
  }

  /** @param given what is done with the answer's header; without it, the measure is taken when the call is sent */
  async #attempt<T>(member: Member, call: Call<T>, remainingMs: number, given?: See): Promise<T> {
    const deadline = callClock.now() + remainingMs;
    const attemptEnd = Math.min(callClock.now() + ATTEMPT_MS, deadline);
    if (!member.isReady) await member.settle(timeUntil(attemptEnd));
    const token = this.#tokens.hasCredentials
      ? await this.#tokenFor(member, timeUntil(attemptEnd), call)
      : undefined;
    // A call that may not be sent twice has all the time there is: its answer is worth waiting for.
    const timeoutMs = timeUntil(call.isRepeatable ? attemptEnd : deadline);
    const see = given ?? this.#guard.begin();
    try {
      const response = await member.call<never>(call.service, call.method, call.payload, timeoutMs, token);
      return readAnswer(response, see, call.read);
    } catch (error) {
      if (isInvalidToken(error) && token !== undefined) this.#tokens.refused(token);
      throw error;
    }
  }

  /** Without a token nothing is sent, whatever became of the request for one. */
  async #tokenFor(member: Member, timeoutMs: number, call: Call): Promise<string | undefined> {
    try {
      return await this.#tokens.token(member, timeoutMs);
    } catch (error) {
      if (refusalOf(error, call.what) !== undefined) throw error;
      throw new NotSentError(`no token was had: ${(error as Error).message}`, isTimeout(error));
    }
  }

  /** Throws what ends the call at once; answers what is worth another attempt. */
  #retryable(call: Call, error: unknown): Error {
    const cause = error as Error;
    // The server did nothing but refuse the token: a new one is asked for.
    if (isInvalidToken(error)) return cause;
    const refusal = refusalOf(error, call.what);
    if (refusal !== undefined && !call.isRepeatable && isNoSpace(refusal))
      throw this.#perhapsApplied(call, cause);
    if (refusal !== undefined) throw refusal;
    if (!isNotSent(error)) call.onUnanswered?.();
    // Revisions do not go back. A write may have been applied all the same.
    if (error instanceof RevisionOverflowError && call.isRepeatable) throw error;
    // Another member may have a better certificate.
    const distrust = this.#members.length === 1 ? certificateErrorOf(error, call.what) : undefined;
    if (distrust !== undefined) throw distrust;
    if (call.isRepeatable || isNotSent(error)) return cause;
    throw new OutcomeUnknownError(
      `${call.what} was sent to ${this.endpoints}, but its answer was lost (${cause.message}): it may have been applied. Read before you decide; do not simply repeat it.`,
      { cause },
    );
  }

  /** When its space ends, etcd refuses what it has just applied. Who can ask what became of it may repeat the call. */
  #perhapsApplied(call: Call, cause: Error): OutcomeUnknownError {
    return new OutcomeUnknownError(
      `${call.what} was refused by ${this.endpoints}: its database space is exceeded (NOSPACE alarm). It may have been applied all the same. Compact, defragment and disarm the alarm, or raise --quota-backend-bytes.`,
      { cause },
    );
  }

  #givenUp(call: Call, failure: Error | undefined, timeoutMs: number): HmEtcdError {
    const cause = failure ?? new NotSentError('there was no time left for an attempt', true);
    const final = refusalOf(cause, call.what) ?? certificateErrorOf(cause, call.what);
    if (final !== undefined) return final;
    const after = `within ${Math.max(0, Math.round(timeoutMs))} ms`;
    if (isTimeout(cause)) {
      return new RequestTimeoutError(
        `${call.what} was not answered by ${this.endpoints} ${after}. Nothing was applied. Try again, or raise requestTimeoutMs.`,
        { cause },
      );
    }
    const reason = lastReason(cause.message);
    return new UnavailableError(
      `${call.what} failed: ${this.endpoints} could not be reached ${after}: ${reason}. Nothing was applied. ${adviceOn(reason)}`,
      { cause },
    );
  }
}

/** What cannot be read tells as little as no answer: the call may have been done. */
function readAnswer<R extends { header: Header }, T>(response: R, see: See, read: (response: R) => T): T {
  try {
    const answer = read(response);
    see(response.header);
    return answer;
  } catch (error) {
    if (error instanceof RevisionOverflowError) throw error;
    throw new CallError(Code.INTERNAL, 'the answer is none that etcd gives');
  }
}

function timeUntil(end: number): number {
  return Math.max(1, end - callClock.now());
}
