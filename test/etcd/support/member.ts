import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('announced.mjs', import.meta.url));

/** Whom an instance sees, by ids in their order: asked of the store, and followed. Undefined when it could not tell. */
export interface Sight {
  readonly listed: string[];
  readonly followed: string[];
}

/** An instance of an application, in a process of its own, which a test may kill, stop and let go on. */
export class Member implements AsyncDisposable {
  isStopped = false;
  hasEnded = false;
  readonly id: string;
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;

  private constructor(endpoint: string, id: string, ttlSec: number) {
    this.id = id;
    this.#child = fork(SCRIPT, [endpoint, id, String(ttlSec)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#exit = once(this.#child, 'exit');
  }

  /** Resolves when it has announced itself. */
  static async start(endpoint: string, id: string, ttlSec: number): Promise<Member> {
    const member = new Member(endpoint, id, ttlSec);
    const exit = member.#exit.then(() => {
      throw new Error(`${id} ended before it was ready`);
    });
    await Promise.race([once(member.#child, 'message'), exit]);
    exit.catch(() => {});
    return member;
  }

  /** SIGKILL, as a crash. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM: it closes its application. */
  async terminate(): Promise<void> {
    await this.#end('SIGTERM');
  }

  stop(): void {
    this.#child.kill('SIGSTOP');
    this.isStopped = true;
  }

  goOn(): void {
    this.#child.kill('SIGCONT');
    this.isStopped = false;
  }

  async look(): Promise<Sight | undefined> {
    const answered = once(this.#child, 'message');
    this.#child.send('look');
    const [answer] = (await answered) as [Partial<Sight>];
    return answer.listed === undefined ? undefined : (answer as Sight);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasEnded) await this.kill();
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#child.kill(signal);
    await this.#exit;
    this.hasEnded = true;
  }
}
