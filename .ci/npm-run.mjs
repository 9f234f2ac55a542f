import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const TIME_LIMIT_MS = 120_000;

/** A script of npm that serves until it is told to end. */
export class NpmRun {
  #group;
  #output;
  #ended;

  constructor(script, { cwd, env } = {}) {
    const npm = spawn('npm', ['run', script], {
      cwd,
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#group = -Number(npm.pid);
    this.#output = createInterface({ input: npm.stdout }).on('line', (line) => console.log(line));
    // Only when all of them have ended is nobody left to write.
    this.#ended = once(this.#output, 'close');
    setTimeout(() => {
      this.#signalAll('SIGKILL');
      throw new Error(`npm run ${script} took longer than ${TIME_LIMIT_MS} ms`);
    }, TIME_LIMIT_MS).unref();
  }

  /** What the pattern finds in the first line in which it finds something. */
  async says(pattern) {
    return new Promise((resolve, reject) => {
      this.#output.on('line', (line) => {
        const found = pattern.exec(line);
        if (found) resolve(found);
      });
      this.#output.on('close', () => reject(new Error(`npm ended before it said ${pattern}`)));
    });
  }

  async end(signal) {
    this.#signalAll(signal);
    await this.#ended;
  }

  /** Reaches npm, its shell and what they run, as a terminal does: npm alone would leave that behind. */
  #signalAll(signal) {
    process.kill(this.#group, signal);
  }
}
