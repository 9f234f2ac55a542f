import { describe, expect, it } from '@jest/globals';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';

const SCRIPT = fileURLToPath(new URL('support/child.mjs', import.meta.url));

const EXIT_MS = 2000;

/** For a machine that does other things, too. */
const SLACK_MS = 1000;

class Child implements AsyncDisposable {
  output = '';
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #exit: Promise<unknown[]>;

  constructor(endpoint: string) {
    this.#process = spawn(process.execPath, [SCRIPT, endpoint]);
    this.#exit = once(this.#process, 'close');
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
  }

  async whenSaid(text: string): Promise<void> {
    await poll(`the child says '${text}'`, () => {
      if (this.#process.exitCode !== null) throw new Error(`It ended: ${this.output}`);
      return this.output.includes(text) || undefined;
    });
  }

  /** Tells it to close. Resolves with its exit code and how long it took to end. */
  async ending(): Promise<{ code: unknown; tookMs: number }> {
    const start = performance.now();
    this.#process.kill('SIGUSR2');
    const [code] = await this.#exit;
    return { code, tookMs: performance.now() - start };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exit;
  }
}

describe('a process that has closed its handles', () => {
  it.each(['up', 'down', 'paused'])(
    'ends by itself while the server is %s',
    async (state) => {
      await using etcd = await startEtcd();
      await using child = new Child(etcd.endpoint);
      await child.whenSaid('ready');
      if (state === 'down') await etcd.kill();
      if (state === 'paused') etcd.pause();
      const { code, tookMs } = await child.ending();

      expect(child.output).toMatch(/^closed$/m);
      expect(child.output).not.toMatch(/warning|unhandled/i);
      expect(code).toBe(0);
      expect(tookMs).toBeLessThan(EXIT_MS + SLACK_MS);
    },
    30_000,
  );

  it('does not end before, though the server dies and nothing but its handles keeps it alive', async () => {
    await using etcd = await startEtcd();
    await using child = new Child(etcd.endpoint);
    await child.whenSaid('ready');
    await etcd.kill();
    await etcd.restart();
    await etcd.ctl('put', 'a', 'back');

    await child.whenSaid('a is back');
    expect(child.output).not.toContain('closed');
  }, 30_000);

  it('leaves nothing of its session behind', async () => {
    await using etcd = await startEtcd();
    await using child = new Child(etcd.endpoint);
    await child.whenSaid('ready');
    await child.ending();

    expect(await etcd.ctl('get', '', '--prefix', '--keys-only')).toBe('a\n\n');
  }, 30_000);
});
