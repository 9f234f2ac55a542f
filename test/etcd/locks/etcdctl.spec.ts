import { describe, expect, it } from '@jest/globals';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { LockTimeoutError } from '../../../lib/kvi/errors.js';
import type { Kvi } from '../../../lib/kvi/kvi.js';
import { stopLater, stopped } from '../../support/etcd/cleanup.js';
import { type EtcdBinary, etcdBinary, OLD_SUITE } from '../../support/etcd/etcd-binary.js';
import { type EtcdServer, startEtcd } from '../../support/etcd/etcd-server.js';
import { connect } from '../support/connect.js';
import { queueOf, untilQueued } from './support/queue.js';

const WAITERS_OF_EACH = 5;

/** `etcdctl lock NAME`, which holds the lock until it is interrupted. */
class EtcdctlLock implements AsyncDisposable {
  /** Resolves with its key, which it prints when it has the lock. */
  readonly key: Promise<string>;
  isHeld = false;
  readonly #process: ChildProcessByStdio<null, Readable, null>;
  readonly #exit: Promise<unknown>;

  constructor({ etcdctl }: EtcdBinary, { endpoint }: EtcdServer, name: string) {
    this.#process = spawn(etcdctl, [`--endpoints=${endpoint}`, 'lock', name], {
      env: { PATH: process.env.PATH, ETCDCTL_API: '3' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#exit = once(this.#process, 'exit');
    this.key = this.#printed();
    stopLater(this);
  }

  async release(): Promise<void> {
    this.#process.kill('SIGINT');
    await this.#exit;
    stopped(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exit;
    stopped(this);
  }

  async #printed(): Promise<string> {
    const [text] = (await once(this.#process.stdout.setEncoding('utf8'), 'data')) as [string];
    this.isHeld = true;
    return text.trim();
  }
}

/** What has been granted a lock, by whomever. */
interface Granted {
  readonly key: string;
  release(): Promise<void>;
}

/** Gives the lock back at once, and tells whose key was the first when it was granted. */
async function turn(kvi: Kvi, waiter: Promise<Granted>, order: string[]): Promise<string | undefined> {
  const granted = await waiter;
  order.push(granted.key);
  const [first] = await queueOf(kvi, 'jobs');
  await granted.release();
  return first?.key === granted.key ? undefined : granted.key;
}

describe.each(['the etcd under test', OLD_SUITE])('etcdctl lock and this library, with %s', (suite) => {
  const found = etcdBinary(suite === OLD_SUITE ? suite : undefined);

  it('exclude each other', async () => {
    const binary = await found;
    await using etcd = await startEtcd({ binary });
    await using connection = await connect(etcd.endpoint);
    const { kvi } = connection;
    const ours = await kvi.lock('jobs');
    await using theirs = new EtcdctlLock(binary, etcd, 'jobs');
    await untilQueued(kvi, 'jobs', 2);
    expect(theirs.isHeld).toBe(false);
    await ours.release();
    const key = await theirs.key;
    await expect(kvi.lock('jobs', { timeoutSec: 0 })).rejects.toBeInstanceOf(LockTimeoutError);
    const next = kvi.lock('jobs');
    const [first, second] = await untilQueued(kvi, 'jobs', 2);
    expect(first?.key).toBe(key);
    await theirs.release();

    expect(await next).toMatchObject({ isHeld: true, key: second?.key });
  });

  it('stand in one queue, in order of their keys', async () => {
    const binary = await found;
    await using etcd = await startEtcd({ binary });
    await using connection = await connect(etcd.endpoint);
    await using waiting = await connect(etcd.endpoint);
    const { kvi } = connection;
    const holder = await kvi.lock('jobs');
    const waiters = Array.from({ length: WAITERS_OF_EACH }, (): Promise<Granted>[] => {
      const theirs = new EtcdctlLock(binary, etcd, 'jobs');
      return [waiting.kvi.lock('jobs'), theirs.key.then((key) => ({ key, release: () => theirs.release() }))];
    }).flat();
    const [, ...queue] = await untilQueued(kvi, 'jobs', 1 + waiters.length);
    const order: string[] = [];
    const turns = waiters.map((waiter) => turn(kvi, waiter, order));
    await holder.release();

    expect(await Promise.all(turns)).toEqual(waiters.map(() => undefined));
    expect(order).toEqual(queue.map(({ key }) => key));
    expect(await queueOf(kvi, 'jobs')).toEqual([]);
  });
});
