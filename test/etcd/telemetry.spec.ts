import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RequestTimeoutError } from '../../lib/store/errors.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { startProxy, type TcpProxy } from '../support/etcd/tcp-proxy.js';
import { FAILURE, Hearing, SUCCESS } from '../support/hearing.js';
import { connect } from './support/connect.js';

const numbers = Array.from({ length: 20 }, (_, at) => at);

describe('a listener', () => {
  let etcd: EtcdServer;
  let proxy: TcpProxy;
  let heard: Hearing;
  beforeAll(async () => {
    etcd = await startEtcd();
  });
  afterAll(() => etcd.stop());
  beforeEach(async () => {
    proxy = await startProxy(etcd.ports.client);
    heard = new Hearing();
  });
  afterEach(async () => {
    heard[Symbol.dispose]();
    await proxy.stop();
  });

  const operationsIn = (kind: 'read' | 'write'): number =>
    heard
      .lives('batch')
      .filter(({ message }) => message.kind === kind)
      .reduce((sum, { message }) => sum + message.operations, 0);

  it('hears how calls travel together, and how much they weigh', async () => {
    await using connection = await connect(etcd.endpoint);
    const { kvi } = connection;
    await Promise.all(numbers.map((at) => kvi.store(`k/${at}`, 'ü')));
    await Promise.all(numbers.map((at) => kvi.get(`k/${at}`)));
    expect([operationsIn('write'), operationsIn('read')]).toEqual([20, 20]);
    const batches = heard.lives('batch');
    expect(batches.length).toBeLessThan(10);
    for (const { message, parts } of batches) {
      expect(message.endpoint).toBe(etcd.endpoint);
      expect(parts).toEqual(SUCCESS);
    }
    const bytesOf = (kind: string): number =>
      batches.reduce((sum, { message }) => sum + (message.kind === kind ? message.bytes : 0), 0);
    const keyBytes = numbers.reduce((sum, at) => sum + `k/${at}`.length, 0);
    expect([bytesOf('write'), bytesOf('read')]).toEqual([keyBytes + 20 * 2, keyBytes]);
  });

  it('hears of a batch and a call that were not answered', async () => {
    await using connection = await connect(proxy.endpoint, { requestTimeoutMs: 500 });
    await proxy.swallow();
    await expect(connection.kvi.get('k')).rejects.toBeInstanceOf(RequestTimeoutError);
    const [call] = heard.lives('call');
    expect(call).toMatchObject({ parts: FAILURE, message: { error: expect.any(RequestTimeoutError) } });
    expect(heard.lives('batch').at(-1)).toMatchObject({ parts: FAILURE, message: { kind: 'read' } });
    await proxy.pass();
  });

  it('hears that the watches were cut off, once, and for how long when they are back', async () => {
    await using connection = await connect(proxy.endpoint);
    await using view = await connection.kvi.observe({ prefix: 'k/' });
    expect([heard.events('watch.lost'), heard.events('watch.resumed')]).toEqual([[], []]);
    proxy.refuse();
    const lost = await heard.event('watch.lost');
    expect(lost).toEqual({ endpoint: proxy.endpoint, member: proxy.endpoint, reason: expect.any(String) });
    const lostAt = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(heard.events('watch.resumed')).toEqual([]);
    const passedAt = performance.now();
    await proxy.pass();
    const resumed = await heard.event('watch.resumed');
    expect(resumed).toMatchObject({ endpoint: proxy.endpoint, member: proxy.endpoint });
    expect(resumed.cutOffMs).toBeGreaterThanOrEqual(300);
    // What the server was last heard of lies before its loss.
    expect(resumed.cutOffMs).toBeGreaterThanOrEqual(passedAt - lostAt);
    expect(heard.events('watch.lost')).toHaveLength(1);
    await view.sync();
  });

  it('hears that a view was read anew when the changes that it missed were compacted', async () => {
    await using connection = await connect(proxy.endpoint);
    await using other = await connect(etcd.endpoint);
    await using view = await connection.kvi.observe({ prefix: 'resync/' });
    proxy.refuse();
    await heard.event('watch.lost');
    await other.kvi.store('resync/1', '1');
    await other.kvi.store('resync/2', '2');
    const { revision } = await other.kvi.snapshot({ prefix: 'resync/' });
    await etcd.ctl('compact', String(revision));
    await proxy.pass();
    const resync = await heard.event('watch.resync');
    expect(resync).toMatchObject({
      endpoint: proxy.endpoint,
      key: 'resync/',
      rangeEnd: 'resync0',
      reason: 'compacted',
    });
    expect(resync.revision).toBeGreaterThanOrEqual(revision);
    expect(view.size).toBe(2);
  });

  it('hears of every keep-alive', async () => {
    await using connection = await connect(etcd.endpoint, { sessionTtlSec: 6 });
    await connection.kvi.tempKey('t');
    const { lease, ttlSec } = heard.events('session.granted')[0]!;
    const renewed = await heard.event('session.renewed');
    expect(renewed).toMatchObject({ endpoint: etcd.endpoint, lease });
    expect(renewed.roundTripMs).toBeGreaterThan(0);
    expect(renewed.leftMs).toBeGreaterThan(0);
    expect(renewed.leftMs + renewed.roundTripMs).toBeLessThan(ttlSec * 1000);
  });
});
