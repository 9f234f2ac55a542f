import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { reapLater } from './reaper.js';

/** How much of the output is kept for the report of a failure. */
const OUTPUT_LIMIT = 64 * 1024;

/** So often, once a millisecond, it is looked whether a process stands still. */
const LOOKS = 1000;

export interface EtcdProcessOptions {
  readonly binary: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** One run of the etcd program, from its start to its end. */
export class EtcdProcess {
  readonly exit: Promise<void>;
  #output = '';
  #ended = false;
  readonly #child: ChildProcess;
  readonly #folder: string;

  constructor({ binary, args, folder, env }: EtcdProcessOptions) {
    this.#folder = folder;
    // etcd would read ETCD_* as settings and send requests to a proxy of the environment.
    this.#child = spawn(binary, args, {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    }
    reapLater(folder, this.#child.pid);
    this.exit = this.#untilEnd();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** What it wrote, the end of it if it was much. */
  get output(): string {
    return this.#output;
  }

  /** Returns when it stands still: until one of its threads has taken the signal, the others go on to answer. */
  pause(): void {
    this.#child.kill('SIGSTOP');
    const nobody = new Int32Array(new SharedArrayBuffer(4));
    for (let look = 0; look < LOOKS && goesOn(this.#child.pid!); look++) Atomics.wait(nobody, 0, 0, 1);
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** A no-op for one that has ended. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    // A stopped process would take no SIGTERM, and on some systems would keep its ports after a SIGKILL.
    this.resume();
    this.#child.kill(signal);
    await this.exit;
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-OUTPUT_LIMIT);
  }

  async #untilEnd(): Promise<void> {
    try {
      await once(this.#child, 'close');
    } catch (error) {
      this.#keep(String(error));
    }
    this.#ended = true;
    reapLater(this.#folder);
  }
}

/** Whether a thread runs, or sleeps until there is something to do. Where there is no /proc, nobody knows. */
function goesOn(pid: number): boolean {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.some((thread) =>
      /\) [RS] /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')),
    );
  } catch {
    return false;
  }
}
