import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A process of its own, which answers one message at a time and ends with whoever started it. */
export class Child {
  #process;
  #ended;
  #name;

  constructor(script, args) {
    this.#name = [script, ...args].join(' ');
    this.#process = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#ended = once(this.#process, 'exit');
  }

  /** Its next answer to `message`. */
  async ask(message) {
    const answer = once(this.#process, 'message');
    this.#process.send(message);
    return (await Promise.race([answer, this.#ended.then(([code]) => this.#died(code))]))[0];
  }

  #died(code) {
    throw new Error(`${this.#name} ended with code ${code}.`);
  }

  async stop() {
    this.#process.kill();
    await this.#ended;
  }
}

/** In such a process: answers each message with what `handle` makes of it, and ends when nobody is there to ask. */
export function serve(handle) {
  process.once('disconnect', () => process.exit());
  process.on('message', (message) => void handle(message).then((answer) => process.send(answer ?? null)));
}
