import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { OutcomeUnknownError, UnavailableError } from '../../lib/store/errors.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { type Connection, connect } from './support/connect.js';

const QUOTA_BYTES = 2 * 1024 * 1024;
const BLOCK = 'x'.repeat(128 * 1024);

const WRITERS = 16;
/** Not each time is one applied and refused. */
const ROUNDS = 5;

/** Long, so that a call which tries until its end is not taken for one that fails at once. */
const TIMEOUT_MS = 30_000;
const AT_ONCE_MS = TIMEOUT_MS / 6;

/** What a call that fails gives, and how long it took. */
async function failureOf(call: Promise<unknown>): Promise<{ error: unknown; tookMs: number }> {
  const start = performance.now();
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { error, tookMs: performance.now() - start };
}

describe('an etcd whose space is used up', () => {
  let etcd: EtcdServer;
  let connection: Connection;

  beforeEach(async () => {
    etcd = await startEtcd({ args: [`--quota-backend-bytes=${QUOTA_BYTES}`] });
    connection = await connect(etcd.endpoint, { requestTimeoutMs: TIMEOUT_MS });
  });

  afterEach(async () => {
    await connection[Symbol.asyncDispose]();
    await etcd.stop();
  });

  /** Until etcd raises its alarm: answers the blocks that are there. */
  async function fill(): Promise<string[]> {
    const stored: string[] = [];
    for (let block = 0; ; block++) {
      const key = `block/${block}`;
      const { error } = await failureOf(connection.kvi.store(key, BLOCK));
      if (error !== undefined) return stored;
      stored.push(key);
      if (block * BLOCK.length > 10 * QUOTA_BYTES) throw new Error('it takes everything');
    }
  }

  async function keys(): Promise<string[]> {
    return (await connection.kvi.getPrefix('')).map(({ key }) => key);
  }

  async function makeSpace(): Promise<void> {
    const status = await etcd.ctl('endpoint', 'status', '-w', 'fields');
    await etcd.ctl('compact', /"Revision" : (\d+)/.exec(status)![1]!);
    await etcd.ctl('defrag');
    await etcd.ctl('alarm', 'disarm');
  }

  it('makes stores fail at once with an error that names the alarm, and goes on answering reads', async () => {
    const { kvi } = connection;
    await kvi.store('k', 'before');
    await fill();
    const calls = [
      kvi.store('k', 'after'),
      kvi.tas('k', 'before', 'after'),
      kvi.transaction('k', '=', 'before', 'k', 'after'),
      kvi.createIfAbsent('new', ''),
    ];
    for (const { error, tookMs } of await Promise.all(calls.map(failureOf))) {
      expect(error).toBeInstanceOf(UnavailableError);
      expect((error as Error).message).toMatch(/NOSPACE/);
      expect(tookMs).toBeLessThan(AT_ONCE_MS);
    }
    expect(await kvi.get('k')).toBe('before');
  });

  it('leaves no lock to nobody, and no doubt about what may be there', async () => {
    const { kvi } = connection;
    await kvi.store('k', 'before');
    await fill();
    const [lock, tempKey] = await Promise.all([
      failureOf(kvi.lock('l')),
      failureOf(kvi.tempKey('temporary')),
    ]);

    expect(lock.error).toBeInstanceOf(UnavailableError);
    expect((lock.error as Error).message).toMatch(/space exceeded/);
    expect((await kvi.lockInfo('l')).holder).toBeUndefined();
    expect(tempKey.error).toBeInstanceOf(OutcomeUnknownError);
    expect((tempKey.error as Error).message).toMatch(/NOSPACE/);
  });

  it('makes no store fail that is applied, of those that are under way when the space ends', async () => {
    const { kvi } = connection;
    for (let round = 0; round < ROUNDS; round++) {
      const stored: string[] = [];
      let isFull = false;
      const writer = async (_: unknown, number: number): Promise<void> => {
        for (let block = 0; !isFull; block++) {
          const key = `block/${number}/${block}`;
          const { error } = await failureOf(kvi.store(key, BLOCK));
          if (error === undefined) stored.push(key);
          else isFull = true;
        }
      };
      await Promise.all(Array.from({ length: WRITERS }, writer));

      expect(await keys()).toEqual(stored.toSorted());
      await Promise.all(stored.map((key) => kvi.delete(key)));
      await makeSpace();
    }
  });

  it('lets deletions and releases through, also of a call that comes with stores', async () => {
    const { kvi } = connection;
    const lock = await kvi.lock('l');
    await fill();
    const [first, store, second] = await Promise.allSettled([
      kvi.delete('block/0'),
      kvi.store('k', ''),
      kvi.delete('block/1'),
    ]);
    await lock.release();

    expect([first.status, store.status, second.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await kvi.lockInfo('l')).holder).toBeUndefined();
    expect(await kvi.get('block/0')).toBeUndefined();
    expect(await kvi.get('block/1')).toBeUndefined();
  });

  it('lets the deletion of a handle through that has no session yet, and gives it none', async () => {
    await fill();
    await using other = await connect(etcd.endpoint, { requestTimeoutMs: TIMEOUT_MS });
    await other.kvi.delete('block/0');
    const { error, tookMs } = await failureOf(other.kvi.lock('l'));

    expect(await other.kvi.get('block/0')).toBeUndefined();
    expect((error as Error).message).toMatch(/NOSPACE/);
    expect(tookMs).toBeLessThan(AT_ONCE_MS);
  });

  it('takes stores again when there is space, of the same handle', async () => {
    const { kvi } = connection;
    const blocks = await fill();
    await Promise.all(blocks.map((block) => kvi.delete(block)));
    await makeSpace();
    await kvi.store('k', 'after');
    await kvi.tempKey('temporary');

    expect(await kvi.tas('k', 'after', 'later')).toBe(true);
    expect(await keys()).toEqual(['k', 'temporary']);
  });
});
