import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { stopLater, stopped } from '../../../support/etcd/cleanup.js';

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly failure?: string;
}

interface Question {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A process of its own, which does what it is asked for: see `serve.mjs`. Ends with the tests of the file. */
export class LockProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  readonly #open = new Map<number, Question>();
  #questions = 0;

  /** @param script beside this file */
  constructor(script: string) {
    this.#child = fork(fileURLToPath(new URL(script, import.meta.url)));
    this.#exit = once(this.#child, 'exit').then(() => this.#failAll());
    this.#child.on('message', (answer) => this.#settle(answer as Answer));
    stopLater(this);
  }

  /** @throws what the method threw there, or that the process ended */
  async ask<T = void>(method: string, ...args: readonly unknown[]): Promise<T> {
    const id = ++this.#questions;
    const answer = new Promise<unknown>((resolve, reject) => this.#open.set(id, { resolve, reject }));
    this.#child.send({ id, method, args });
    return (await answer) as T;
  }

  /** SIGSTOP, as a machine that hangs. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
    stopped(this);
  }

  #settle({ id, value, failure }: Answer): void {
    const question = this.#open.get(id);
    this.#open.delete(id);
    if (failure === undefined) question?.resolve(value);
    else question?.reject(new Error(failure));
  }

  #failAll(): void {
    for (const { reject } of this.#open.values()) reject(new Error('the process has ended'));
    this.#open.clear();
  }
}
