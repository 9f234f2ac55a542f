import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { stopLater, stopped } from '../../support/etcd/cleanup.js';

const SCRIPT = fileURLToPath(new URL('write.mjs', import.meta.url));

/** A write that was begun. Nobody was told what became of one that the process did not survive. */
export interface JournalEntry {
  readonly key: string;
  /** What it puts; undefined for a deletion. */
  readonly value?: string;
  readonly told?: 'true' | 'false' | 'unknown' | 'not applied';
}

export interface WritingOptions {
  readonly endpoints: readonly string[];
  readonly journal: string;
  /** The names of its clients. */
  readonly clients: readonly string[];
  /** How many writes they begin together, before and after all deaths. */
  readonly count: number;
  readonly requestTimeoutMs: number;
}

/** A process with some clients that write; it can be killed, and is then begun anew until all is written. */
export class WritingProcess implements AsyncDisposable {
  /** Resolves when everything was written, and rejects when it failed. */
  readonly done: Promise<void>;
  kills = 0;
  readonly #options: WritingOptions;
  #child: ChildProcess | undefined;
  #isStopped = false;

  constructor(options: WritingOptions) {
    this.#options = options;
    this.done = this.#run();
    this.done.catch(() => {});
    stopLater(this);
  }

  /** SIGKILL, as a crash; a no-op for one that has ended. */
  kill(): void {
    if (this.#child?.kill('SIGKILL')) this.kills += 1;
  }

  /** What was begun, in order. */
  async journal(): Promise<JournalEntry[]> {
    const text = await readFile(this.#options.journal, 'utf8').catch(() => '');
    const entries = new Map<string, JournalEntry>();
    for (const line of text.split('\n').filter((one) => one !== '')) {
      const { id, ...entry } = JSON.parse(line) as JournalEntry & { id: string };
      entries.set(id, { ...entries.get(id), ...entry });
    }
    return [...entries.values()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    this.#child?.kill('SIGKILL');
    await this.done.catch(() => {});
    stopped(this);
  }

  async #run(): Promise<void> {
    for (let run = 0; ; run++) {
      const left = this.#options.count - (await this.journal()).length;
      if (left <= 0 || this.#isStopped) return;
      const { code, signal } = await this.#runOnce(run, left);
      if (signal !== 'SIGKILL' && code !== 0)
        throw new Error(`a writing process ended with ${code ?? signal}`);
    }
  }

  async #runOnce(run: number, count: number): Promise<{ code: number | null; signal: string | null }> {
    this.#child = fork(SCRIPT, [JSON.stringify({ ...this.#options, run, count })]);
    const [code, signal] = (await once(this.#child, 'exit')) as [number | null, string | null];
    this.#child = undefined;
    return { code, signal };
  }
}
