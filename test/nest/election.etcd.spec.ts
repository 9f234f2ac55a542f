import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Kvi, open } from '../../lib/index.js';
import { etcdBinary } from '../support/etcd/etcd-binary.js';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';
import { RecordingLogger } from '../support/recording-logger.js';

const SCRIPT = fileURLToPath(new URL('fixtures/replica.mjs', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/esm/index.js', import.meta.url));

const TTL_SEC = 3;
/** The lease, as etcd counts it, two seconds, and what a busy machine may add. */
const NEXT_LEADER_MS = TTL_SEC * 1000 + 2000 + 5000;

beforeAll(() => {
  if (!existsSync(BUILT)) throw new Error('This test runs on the built package: npm run build');
});

/** A candidate of whatever program, in a process of its own. */
class Candidate implements AsyncDisposable {
  output = '';
  readonly process: ChildProcess;
  readonly #exit: Promise<unknown[]>;

  constructor(command: string, args: string[]) {
    this.process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#exit = once(this.process, 'close');
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
  }

  /** Resolves with the match as soon as it has said so. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    return poll(`a candidate says ${pattern}`, () => pattern.exec(this.output) ?? undefined);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.process.kill(signal);
    await this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
  }
}

const replica = (endpoint: string): Candidate =>
  new Candidate(process.execPath, [SCRIPT, endpoint, String(TTL_SEC)]);

async function queued(kvi: Kvi, count: number): Promise<void> {
  await poll(`${count} candidates wait`, async () => {
    const { holder, queue } = await kvi.lockInfo('leader');
    return (holder !== undefined && queue.length === count) || undefined;
  });
}

/** How many milliseconds it takes until somebody else says that it is elected. */
async function takeOver(others: readonly Candidate[]): Promise<number> {
  const startedAt = performance.now();
  await poll('another is elected', () => others.some(({ output }) => /elected/.test(output)) || undefined);
  return performance.now() - startedAt;
}

describe('three replicas on a real etcd', () => {
  it.each<NodeJS.Signals>(['SIGKILL', 'SIGSTOP'])(
    'have a new leader within the lease and two seconds after %s, and the old one writes nothing any more',
    async (signal) => {
      await using etcd = await startEtcd();
      await using kvi = disposable(await open(etcd.endpoint, { logger: new RecordingLogger() }));
      await using first = replica(etcd.endpoint);
      await first.said(/^elected/m);
      await using second = replica(etcd.endpoint);
      await using third = replica(etcd.endpoint);
      await queued(kvi.kvi, 2);
      first.process.kill(signal);
      expect(await takeOver([second, third])).toBeLessThan(NEXT_LEADER_MS);
      const elected = [second, third].filter(({ output }) => /^elected/m.test(output));
      expect(elected).toHaveLength(1);
      const [, token] = await elected[0]!.said(/^elected (\d+)$/m);
      const claims = kvi.kvi.changes('claim');
      if (signal === 'SIGSTOP') {
        first.process.kill('SIGCONT');
        await first.said(/^deposed \d+ LockLostError$/m);
      }
      for (let count = 0; count < 20; count++) {
        const { value } = await claims.next();
        expect(value!.value).toBe(token);
      }
      await claims.return!();
      expect(first.output).not.toMatch(/threw/);
      const tokens = [first, ...elected].map(({ output }) => Number(/elected (\d+)/.exec(output)![1]));
      expect(tokens[1]).toBeGreaterThan(tokens[0]!);
    },
    60_000,
  );

  it('have a new leader at once after SIGTERM', async () => {
    await using etcd = await startEtcd();
    await using kvi = disposable(await open(etcd.endpoint, { logger: new RecordingLogger() }));
    await using first = replica(etcd.endpoint);
    await first.said(/^elected/m);
    await using second = replica(etcd.endpoint);
    await queued(kvi.kvi, 1);
    const ended = first.end('SIGTERM');
    expect(await takeOver([second])).toBeLessThan(TTL_SEC * 1000);
    await ended;
    expect(first.output).toMatch(/^deposed \d+ ClosedError$/m);
  }, 60_000);
});

describe('etcdctl elect', () => {
  it('stands in the same queue', async () => {
    await using etcd = await startEtcd();
    await using kvi = disposable(await open(etcd.endpoint, { logger: new RecordingLogger() }));
    const { etcdctl } = await etcdBinary();
    const elect = (proposal: string): Candidate =>
      new Candidate(etcdctl, ['--endpoints', etcd.endpoint, 'elect', 'leader', proposal]);
    await using before = elect('before');
    await before.said(/before/);
    await using ours = replica(etcd.endpoint);
    await queued(kvi.kvi, 1);
    await using after = elect('after');
    await queued(kvi.kvi, 2);
    expect([ours.output, after.output].join('')).not.toMatch(/elected|after/);
    await before.end('SIGINT');
    await ours.said(/^elected/m);
    expect(after.output).toBe('');
    await ours.end('SIGTERM');
    await after.said(/after/);
  }, 60_000);
});

/** Closed at the end of the test. */
function disposable(kvi: Kvi): AsyncDisposable & { readonly kvi: Kvi } {
  return { kvi, [Symbol.asyncDispose]: () => kvi.close() };
}
