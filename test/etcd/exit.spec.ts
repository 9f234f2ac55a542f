import { describe, expect, it } from '@jest/globals';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';
import { Dice } from '../support/random.mjs';
import { startHostileMember } from './support/hostile-member.js';

const SCRIPT = fileURLToPath(new URL('support/child.mjs', import.meta.url));
const OPENER = fileURLToPath(new URL('support/opener.mjs', import.meta.url));

const EXIT_MS = 2000;

/** For a machine that does other things, too. */
const SLACK_MS = 10_000;

class Child implements AsyncDisposable {
  output = '';
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #exit: Promise<unknown[]>;

  constructor(endpoint: string, script = SCRIPT) {
    this.#process = spawn(process.execPath, [script, endpoint]);
    this.#exit = once(this.#process, 'close');
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
  }

  async whenSaid(text: string): Promise<void> {
    await poll(`the child says '${text}'`, () => {
      if (this.output.includes(text)) return true;
      if (this.#process.exitCode !== null) throw new Error(`It ended: ${this.output}`);
      return undefined;
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

  it('ends by itself after servers sent it away and did not close the connections', async () => {
    await using etcd = await startEtcd();
    await using member = await startHostileMember(etcd.ports.client, new Dice(1));
    await using child = new Child(member.endpoint);
    await child.whenSaid('ready');
    member.malice = { share: 100, methods: /KV/, way: 'goaway' };
    await poll('it is sent away', () => (member.spoiled.goaway ?? 0) > 5 || undefined);
    const { code, tookMs } = await child.ending();

    expect(child.output).toMatch(/^closed$/m);
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(EXIT_MS + SLACK_MS);
  }, 30_000);

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

it.each(['http', 'https'])(
  'a process that cannot open a handle, because the server at its %s address says nothing, ends by itself',
  async (scheme) => {
    const silent = createServer();
    const accepted: Socket[] = [];
    silent.on('connection', (socket) => accepted.push(socket.on('error', () => {})));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    await using child = new Child(`${scheme}://localhost:${(silent.address() as AddressInfo).port}`, OPENER);
    await child.whenSaid('not opened');
    const { code, tookMs } = await child.ending();
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(EXIT_MS + SLACK_MS);
    expect(accepted.length).toBeGreaterThan(0);
    for (const socket of accepted) socket.destroy();
    silent.close();
  },
);
