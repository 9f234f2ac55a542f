import { callClock } from '../clock.js';
import { inTime } from '../in-time.js';
import { CallError } from './call-errors.js';
import { Code } from './error-table.js';
import type { Member } from './member.js';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/**
 * The token that etcd gives for a user and password. It is asked for again after a server refused it; one request
 * serves all who wait, each for as long as it has time, and its failure is not kept.
 */
export class TokenSource {
  readonly #credentials: Credentials | undefined;
  #token: string | undefined;
  #asking: Promise<string> | undefined;

  constructor(credentials: Credentials | undefined) {
    this.#credentials = credentials;
  }

  get hasCredentials(): boolean {
    return this.#credentials !== undefined;
  }

  /** Undefined where no user was given. */
  async token(member: Member, timeoutMs: number): Promise<string | undefined> {
    if (this.#credentials === undefined || this.#token !== undefined) return this.#token;
    this.#asking ??= this.#ask(member, timeoutMs, this.#credentials).finally(
      () => (this.#asking = undefined),
    );
    const timeoutError = (): Error =>
      new CallError(Code.DEADLINE_EXCEEDED, `no answer within ${Math.round(timeoutMs)} ms`);
    return inTime(callClock, this.#asking, timeoutMs, timeoutError);
  }

  /** Forgets a token that was refused, unless a newer one has taken its place. */
  refused(token: string | undefined): void {
    if (this.#token === token) this.#token = undefined;
  }

  async #ask(member: Member, timeoutMs: number, credentials: Credentials): Promise<string> {
    const request = { name: credentials.username, password: credentials.password };
    const { token } = await member.call<{ token: string }>('Auth', 'authenticate', request, timeoutMs);
    // What cannot be sent in a header is none, and gRPC's error at it would quote it.
    if (!/^[\x21-\x7e]+$/.test(token))
      throw new CallError(Code.INTERNAL, 'the token is none that etcd gives');
    this.#token = token;
    return token;
  }
}
