import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { LogLines } from './log-lines.js';

const MAIN = fileURLToPath(new URL('../../../sample/dist/main.js', import.meta.url));

/** The built sample, as `npm start` runs it, or another program of its folder, on a port of the system's choice. */
export class SampleProcess {
  readonly lines = new LogLines();
  /** The exit code, or the name of the signal that ended it. */
  readonly exit: Promise<unknown>;
  private readonly child: ChildProcess;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}, main = MAIN) {
    this.child = spawn(process.execPath, [main, ...args], {
      env: { PATH: process.env.PATH, NO_COLOR: '1', PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.lines.push(text));
    }
    this.exit = this.ended();
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  async url(): Promise<string> {
    const [, url] = await this.lines.waitFor(/Listening on (http:\S+)/);
    return url ?? '';
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** A no-op for one that has ended. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exit;
  }

  private async ended(): Promise<unknown> {
    const [code, signal]: unknown[] = await once(this.child, 'close');
    this.lines.end();
    return code ?? signal;
  }
}
