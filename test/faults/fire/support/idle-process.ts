import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stopLater, stopped } from '../../../support/etcd/cleanup.js';
import { poll } from '../../../support/etcd/poll.js';
import type { ClientProcess } from '../fault.js';

const SCRIPT = `
process.on('message', ({ block = 0, call }) => {
  const end = performance.now() + block;
  while (performance.now() < end);
  if (call !== undefined) process.send(call);
});
process.on('disconnect', () => process.exit());
process.send('up');`;

/** A process that does nothing but answer, and is killed, stopped and blocked for that. */
export class IdleProcess implements ClientProcess, AsyncDisposable {
  #child: ChildProcess;
  #runs = 1;
  #calls = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    stopLater(this);
  }

  static async start(): Promise<IdleProcess> {
    return new IdleProcess(await started());
  }

  get name(): string {
    return `idle.${this.#runs}`;
  }

  async kill(): Promise<void> {
    await this.#end();
    this.#child = await started();
    this.#runs += 1;
  }

  stop(): void {
    this.#child.kill('SIGSTOP');
  }

  goOn(): void {
    this.#child.kill('SIGCONT');
  }

  block(ms: number): void {
    this.#child.send({ block: ms });
  }

  /** Whether it answers in time. */
  async answers(timeoutMs: number): Promise<boolean> {
    const child = this.#child;
    const call = ++this.#calls;
    let isAnswered = false;
    const take = (message: unknown): void => {
      isAnswered ||= message === call;
    };
    child.on('message', take);
    child.send({ call });
    const answer = poll('an answer', () => isAnswered || undefined, timeoutMs);
    await answer.catch(() => undefined);
    child.off('message', take);
    return isAnswered;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    stopped(this);
  }

  async #end(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

async function started(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', SCRIPT], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'message');
  return child;
}
