import { beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { setImmediate as nextCheckPhase } from 'node:timers/promises';
import { CallError } from '../../../lib/store/etcd/call-errors.js';
import { KeepAliveStream } from '../../../lib/store/etcd/keep-alive-stream.js';
import { block } from '../../support/block.js';
import { poll } from '../../support/etcd/poll.js';
import { FakeMember, type FakeStream } from './fake-member.js';

describe('KeepAliveStream', () => {
  let member: FakeMember;
  let keepAlives: KeepAliveStream;
  beforeEach(() => {
    member = new FakeMember([]);
    keepAlives = new KeepAliveStream(member.asMember, undefined);
  });

  async function whenWritten(count: number): Promise<FakeStream> {
    const stream = await poll('the stream', () => member.streams[0]);
    while (stream.written.length < count) await once(stream, 'written');
    return stream;
  }

  it('has one unanswered at a time: answers are told apart by their order alone', async () => {
    const [first, second] = [keepAlives.keepAlive('1', 1000), keepAlives.keepAlive('2', 1000)];
    const stream = await whenWritten(1);
    expect(stream.written).toEqual([{ ID: { low: 1, high: 0 } }]);
    stream.emit('data', { TTL: '10' });
    expect(await first).toEqual({ TTL: '10' });
    await whenWritten(2);
    stream.emit('data', { TTL: '0' });
    expect(await second).toEqual({ TTL: '0' });
    expect(member.streams.length).toBe(1);
  });

  it('is given up when one is not answered in time, with those that wait', async () => {
    const both = [keepAlives.keepAlive('1', 20), keepAlives.keepAlive('2', 20)];
    const endings = await Promise.allSettled(both);
    expect(endings.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(keepAlives.isOver).toBe(true);
    expect(member.streams[0]!.isCancelled).toBe(true);
  });

  it('is over when the server ends it', async () => {
    const asked = keepAlives.keepAlive('1', 1000);
    const stream = await whenWritten(1);
    stream.emit('error', Object.assign(new Error('gone'), { code: 14 }));
    await expect(asked).rejects.toThrow(CallError);
    expect(keepAlives.isOver).toBe(true);
  });

  it('hears what came while the event loop was blocked', async () => {
    const asked = keepAlives.keepAlive('1', 500);
    const stream = await whenWritten(1);
    // From here on timers come before what was received.
    await nextCheckPhase();
    setImmediate(() => stream.emit('data', { TTL: '10' }));
    block(550);
    expect(await asked).toEqual({ TTL: '10' });
    expect(keepAlives.isOver).toBe(false);
  });

  it('passes over an answer that comes after all', async () => {
    const asked = keepAlives.keepAlive('1', 20);
    const stream = await whenWritten(1);
    await expect(asked).rejects.toThrow(/no answer/);
    stream.emit('data', { TTL: '10' });
    await expect(keepAlives.keepAlive('1', 20)).rejects.toThrow(/over/);
  });
});
