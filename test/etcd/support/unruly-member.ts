import type { ITxnRequest } from 'etcd3';
import { CallError, NotSentError } from '../../../lib/store/etcd/call-errors.js';
import type { Member, Service } from '../../../lib/store/etcd/member.js';

/**
 * What becomes of one copy of a txn. `answer`: as on a good line. `lose`: it is done, its answer is lost. `doubt`: it is
 * done, and etcd says that nobody knows. `repeat`: it arrives twice, and the second answer comes back. `hold`: it is on
 * its way until `release`. `deny`: the server refuses it. `miss`: it is not sent.
 */
export type Fate = 'answer' | 'lose' | 'doubt' | 'repeat' | 'hold' | 'deny' | 'miss';

/** Decides over a copy, or does something before it arrives. */
export type Rule = (txn: ITxnRequest) => Fate | Promise<Fate>;

const [DEADLINE, DENIED, UNAVAILABLE] = [4, 7, 14];

/** A server behind a line whose txns a test loses, holds back and repeats. */
export class UnrulyMember {
  readonly #member: Member;
  readonly #held: (() => Promise<unknown>)[] = [];
  /** Every copy of a txn that was to be sent. */
  readonly txns: ITxnRequest[] = [];
  #rule: Rule = () => 'answer';

  constructor(member: Member) {
    this.#member = member;
  }

  get asMember(): Member {
    return this as unknown as Member;
  }

  get url(): string {
    return this.#member.url;
  }

  /** From now on; without a rule all is well. */
  obey(rule: Rule = () => 'answer'): void {
    this.#rule = rule;
  }

  /** What becomes of the next copies; all is well after them. */
  next(...steps: readonly Rule[]): void {
    const left = [...steps];
    this.#rule = (txn) => left.shift()?.(txn) ?? 'answer';
  }

  /** What was held back arrives. Resolves when all of it was answered or refused. */
  async release(): Promise<void> {
    await Promise.allSettled(this.#held.splice(0).map((send) => send()));
  }

  settle(timeoutMs: number): Promise<void> {
    return this.#member.settle(timeoutMs);
  }

  async call<T>(
    service: Service,
    method: string,
    payload: object,
    timeoutMs: number,
    token?: string,
  ): Promise<T> {
    const send = (): Promise<T> => this.#member.call<T>(service, method, payload, timeoutMs, token);
    if (method !== 'txn') return send();
    this.txns.push(payload);
    switch (await this.#rule(payload)) {
      case 'answer':
        return send();
      case 'repeat':
        await send();
        return send();
      case 'lose':
        await send();
        throw new CallError(DEADLINE, 'no answer within 1500 ms');
      case 'doubt':
        await send();
        throw new CallError(
          UNAVAILABLE,
          'etcdserver: request timed out, possibly due to previous leader failure',
        );
      case 'hold':
        this.#held.push(send);
        throw new CallError(DEADLINE, 'no answer within 1500 ms');
      case 'deny':
        throw new CallError(DENIED, 'etcdserver: permission denied');
      case 'miss':
        throw new NotSentError('connect ECONNREFUSED', false);
    }
  }
}
