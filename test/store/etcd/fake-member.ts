import { EventEmitter } from 'node:events';
import type { Member } from '../../../lib/store/etcd/member.js';

export type Answer = object | Error;

/** A server whose answers a test gives, one after the other; the last one goes on. */
export class FakeMember {
  readonly url: string;
  readonly calls: { readonly method: string; readonly token: string | undefined }[] = [];
  readonly streams: FakeStream[] = [];
  readonly #answers: Answer[];

  constructor(answers: readonly Answer[], url = 'http://fake:2379') {
    this.#answers = [...answers];
    this.url = url;
  }

  get asMember(): Member {
    return this as unknown as Member;
  }

  /** From now on gives these. */
  answer(...answers: readonly Answer[]): void {
    this.#answers.splice(0, this.#answers.length, ...answers);
  }

  async settle(): Promise<void> {
    await Promise.resolve();
  }

  async call(
    _service: string,
    method: string,
    _payload: unknown,
    _ms: number,
    token?: string,
  ): Promise<object> {
    await Promise.resolve();
    this.calls.push({ method, token });
    const answer = this.#answers.length > 1 ? this.#answers.shift()! : this.#answers[0]!;
    if (answer instanceof Error) throw answer;
    return answer;
  }

  async stream(): Promise<FakeStream> {
    await Promise.resolve();
    const stream = new FakeStream();
    this.streams.push(stream);
    return stream;
  }
}

/** Keeps what was written to it; a test emits what the server says. */
export class FakeStream extends EventEmitter {
  readonly written: unknown[] = [];
  isCancelled = false;

  write(request: unknown): void {
    this.written.push(request);
    this.emit('written');
  }

  cancel(): void {
    this.isCancelled = true;
  }
}

export function header(raftTerm = 2, revision = 5): object {
  return { cluster_id: '1', member_id: '1', revision: String(revision), raft_term: String(raftTerm) };
}
