import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { ILeaseKeepAliveResponse } from 'etcd3';
import { systemClock } from '../clock.js';
import type { LeaseId } from '../store.js';
import { setAnswerTimer } from './answer-timer.js';
import { CallError } from './call-errors.js';
import { leaseToWire } from './codec.js';
import { Code } from './error-table.js';
import type { Member } from './member.js';

type Stream = ClientDuplexStream<unknown, unknown>;

interface Pending {
  resolve(response: ILeaseKeepAliveResponse): void;
  reject(error: Error): void;
}

/**
 * Keep-alives on one stream to one member, one unanswered at a time. Answers carry no number, so a stream on which
 * one was not answered in time is given up, and with it the answer, should it still come.
 */
export class KeepAliveStream {
  readonly #member: Member;
  readonly #token: string | undefined;
  #opening: Promise<Stream> | undefined;
  #stream: Stream | undefined;
  #pending: Pending | undefined;
  /** Settles with the keep-alive that was asked for last. */
  #turn: Promise<unknown> = Promise.resolve();
  #over = false;

  constructor(member: Member, token: string | undefined) {
    this.#member = member;
    this.#token = token;
  }

  get member(): Member {
    return this.#member;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** @throws CallError; the stream is over then */
  keepAlive(id: LeaseId, timeoutMs: number): Promise<ILeaseKeepAliveResponse> {
    const answered = this.#turn.then(() => this.#ask(id, timeoutMs));
    this.#turn = answered.catch(() => {});
    return answered;
  }

  end(error: Error = new CallError(Code.UNAVAILABLE, 'the stream was closed')): void {
    this.#over = true;
    this.#pending?.reject(error);
    this.#stream?.cancel();
  }

  async #ask(id: LeaseId, timeoutMs: number): Promise<ILeaseKeepAliveResponse> {
    if (this.#over) throw new CallError(Code.UNAVAILABLE, 'the stream is over');
    const cancelTimer = setAnswerTimer(systemClock, timeoutMs, () => {
      this.end(new CallError(Code.DEADLINE_EXCEEDED, `no answer within ${Math.round(timeoutMs)} ms`));
    });
    try {
      return await new Promise((resolve, reject) => {
        this.#pending = { resolve, reject };
        this.#write(id);
      });
    } finally {
      this.#pending = undefined;
      cancelTimer();
    }
  }

  #write(id: LeaseId): void {
    this.#opening ??= this.#open();
    this.#opening
      .then((stream) => (this.#over ? stream.cancel() : stream.write({ ID: leaseToWire(id) })))
      .catch((error: Error) => this.end(error));
  }

  async #open(): Promise<Stream> {
    const stream = await this.#member.stream('Lease', 'leaseKeepAlive', this.#token);
    this.#stream = stream;
    stream.on('data', (response: ILeaseKeepAliveResponse) => this.#pending?.resolve(response));
    stream.on('error', (error: Error & { code: number }) =>
      this.end(new CallError(error.code, error.message)),
    );
    stream.on('end', () => this.end());
    return stream;
  }
}
