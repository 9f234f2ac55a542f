import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { stopLater, stopped } from '../../support/etcd/cleanup.js';
import type { Life } from '../checkers/history.js';
import { machineMs } from '../../support/machine-ms.js';

/** What is told to a child at its start, beside its name. */
export interface ChildOptions {
  readonly script: 'clients' | 'application';
  readonly endpoints: readonly string[];
  /** For the journals. */
  readonly folder: string;
  readonly seed: number;
  /** Handles of the process. */
  readonly clients: number;
  /** Keys of a family that are in use at one time. */
  readonly slots: number;
  /** The longest that a client rests between two operations, in milliseconds. */
  readonly restMs: number;
  readonly requestTimeoutMs: number;
  readonly sessionTtlSec: number;
  readonly auth: { readonly username: string; readonly password: string };
}

export interface Measured {
  readonly heapUsed: number;
  readonly sockets: number;
  readonly timers: number;
}

interface Message {
  readonly up?: true;
  readonly measured?: Measured;
  readonly strange?: string;
}

/** How long a process may take to close everything and be gone. */
const FINISH_MS = 60_000;

/** One run of a child, from its start to its end. */
class Run {
  readonly name: string;
  readonly exit: Promise<string>;
  readonly from = machineMs();
  readonly pauses: { from: number; to: number }[] = [];
  to = Infinity;
  readonly #child: ChildProcess;

  constructor(name: string, { script, ...options }: ChildOptions, onMessage: (message: Message) => void) {
    this.name = name;
    const path = fileURLToPath(new URL(`../workloads/${script}.mjs`, import.meta.url));
    this.#child = fork(path, [JSON.stringify({ ...options, process: name })], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: ['--expose-gc'],
    });
    this.#child.on('message', (message) => onMessage(message as Message));
    this.exit = once(this.#child, 'exit').then(([code, signal]) => {
      this.to = machineMs();
      return String(code ?? signal);
    });
  }

  send(message: object): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }
}

/** A place for a process: one that is killed is followed by another, under another name. */
export class ClientProcess implements AsyncDisposable {
  /** What must not happen: rejections that nobody handles, ends that nobody ordered. */
  readonly strange: string[] = [];
  readonly #place: string;
  readonly #options: ChildOptions;
  readonly #runs: Run[] = [];
  #isExpectedToEnd = false;
  #onMeasured: (measured: Measured) => void = () => {};
  #onUp: () => void = () => {};

  /** Resolves when the first run is up. */
  readonly up: Promise<void>;

  constructor(place: string, options: ChildOptions) {
    this.#place = place;
    this.#options = options;
    stopLater(this);
    this.up = this.#start();
  }

  get script(): ChildOptions['script'] {
    return this.#options.script;
  }

  /** Of the run that lives now. */
  get name(): string {
    return this.#run.name;
  }

  get names(): string[] {
    return this.#runs.map(({ name }) => name);
  }

  get lives(): Life[] {
    return this.#runs.map(({ name, from, to, pauses }) => ({ process: name, from, to, pauses }));
  }

  /** SIGKILL, as a crash. Another begins at once. */
  async kill(): Promise<void> {
    await this.#end();
    await this.#start();
  }

  /** SIGSTOP, as a machine that hangs. */
  stop(): void {
    this.#run.pauses.push({ from: machineMs(), to: Infinity });
    this.#run.signal('SIGSTOP');
  }

  goOn(): void {
    const pause = this.#run.pauses.find(({ to }) => to === Infinity);
    if (pause === undefined) return;
    this.#run.signal('SIGCONT');
    pause.to = machineMs();
  }

  /** Its event loop stands still for so many milliseconds. */
  block(ms: number): void {
    // If it is killed meanwhile, it cannot tell.
    const from = machineMs();
    this.#run.pauses.push({ from, to: from + ms });
    this.#run.send({ block: ms });
  }

  /** Whether nothing new is to be begun for now. */
  calm(isCalm: boolean): void {
    this.#run.send({ calm: isCalm });
  }

  async measure(): Promise<Measured> {
    const measured = new Promise<Measured>((resolve) => (this.#onMeasured = resolve));
    this.#run.send({ measure: true });
    return measured;
  }

  /**
   * Has everything closed, and resolves when the process is gone.
   *
   * @param revision to which watches must have come before that
   */
  async finish(revision: number): Promise<void> {
    this.goOn();
    this.#isExpectedToEnd = true;
    this.#run.send({ finish: { revision } });
    const timeUp = setTimeout(() => {
      this.strange.push(`${this.name} did not end within ${FINISH_MS} ms`);
      this.#run.signal('SIGKILL');
    }, FINISH_MS).unref();
    const end = await this.#run.exit;
    clearTimeout(timeUp);
    if (end !== '0') this.strange.push(`${this.name} ended with ${end}`);
    stopped(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    stopped(this);
  }

  get #run(): Run {
    return this.#runs.at(-1)!;
  }

  /** Resolves when it is up: it need not have reached the store. */
  #start(): Promise<void> {
    const up = new Promise<void>((resolve) => (this.#onUp = resolve));
    const run = new Run(`${this.#place}.${this.#runs.length}`, this.#options, (message) =>
      this.#take(message),
    );
    this.#runs.push(run);
    this.#isExpectedToEnd = false;
    void run.exit.then((end) => {
      if (!this.#isExpectedToEnd && this.#run === run)
        this.strange.push(`${run.name} ended by itself with ${end}`);
    });
    return Promise.race([up, run.exit.then(() => {})]);
  }

  async #end(): Promise<void> {
    this.#isExpectedToEnd = true;
    this.#run.signal('SIGKILL');
    await this.#run.exit;
    this.#run.pauses.forEach((pause) => (pause.to = Math.min(pause.to, this.#run.to)));
  }

  #take({ up, measured, strange }: Message): void {
    if (up) this.#onUp();
    if (measured !== undefined) this.#onMeasured(measured);
    if (strange !== undefined) this.strange.push(`${this.name}: ${strange}`);
  }
}
