import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Member } from '../../lib/store/etcd/member.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { freePort } from '../support/etcd/free-port.js';
import {
  type Fate,
  type GrpcRequestProxy,
  startGrpcRequestProxy,
} from '../support/etcd/grpc-request-proxy.js';
import { poll } from '../support/etcd/poll.js';
import { connect } from './support/connect.js';
import { Follower } from './support/follower.js';

/** For what is answered or broken off, more than it takes; for what is not, more than a test does. */
const PATIENCE_MS = 20_000;

/** A client that sends each put once, behind a proxy whose line does so to it. */
class Line implements AsyncDisposable {
  readonly etcd: EtcdServer;
  readonly proxy: GrpcRequestProxy;
  readonly #client: Member;

  private constructor(etcd: EtcdServer, proxy: GrpcRequestProxy) {
    this.etcd = etcd;
    this.proxy = proxy;
    this.#client = new Member(proxy.endpoint, {});
  }

  static async to(etcd: EtcdServer, fate: Fate): Promise<Line> {
    const isPut = (method: string): boolean => method === '/etcdserverpb.KV/Put';
    return new Line(
      etcd,
      await startGrpcRequestProxy(etcd.ports.client, (method) => (isPut(method) ? fate : { kind: 'passed' })),
    );
  }

  /** Whether it was acknowledged. */
  async put(): Promise<boolean> {
    const pair = { key: Buffer.from('k'), value: Buffer.from('v') };
    const put = this.#client.call('KV', 'put', pair, PATIENCE_MS);
    return put.then(
      () => true,
      () => false,
    );
  }

  /** How often it was applied. */
  async version(): Promise<number> {
    const fields = await this.etcd.ctl('get', 'k', '-w', 'fields');
    return Number(/"Version" : (\d+)/.exec(fields)?.[1] ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await this.proxy.stop();
  }
}

describe('a proxy that knows requests', () => {
  it.each<[Fate, { isAcknowledged: boolean; version: number; later: number }]>([
    [{ kind: 'passed' }, { isAcknowledged: true, version: 1, later: 1 }],
    [{ kind: 'request lost' }, { isAcknowledged: false, version: 0, later: 0 }],
    [{ kind: 'response lost' }, { isAcknowledged: false, version: 1, later: 1 }],
    [
      { kind: 'delayed', ms: 3000 },
      { isAcknowledged: false, version: 0, later: 1 },
    ],
    [
      { kind: 'repeated', ms: 3000 },
      { isAcknowledged: true, version: 1, later: 2 },
    ],
    [
      { kind: 'refused', code: 7, text: 'etcdserver: permission denied' },
      { isAcknowledged: false, version: 0, later: 0 },
    ],
  ])('%j', async (fate, { isAcknowledged, version, later }) => {
    await using etcd = await startEtcd();
    await using line = await Line.to(etcd, fate);

    expect(await line.put()).toBe(isAcknowledged);
    expect(await line.version()).toBe(version);
    await line.proxy.idle();
    expect(await line.version()).toBe(later);
    expect(line.proxy.counts[fate.kind]).toBeGreaterThanOrEqual(1);
  });

  it('leaves a caller that it does not tell without an answer', async () => {
    await using etcd = await startEtcd();
    await using line = await Line.to(etcd, { kind: 'response lost', isSilent: true });
    let isSettled = false;
    void line.put().finally(() => (isSettled = true));
    await poll('the put is applied', async () => (await line.version()) === 1 || undefined);

    expect(isSettled).toBe(false);
  });

  it('gives up a request over which the member closes the connection', async () => {
    const member = createServer((_, response) => response.stream.session!.destroy());
    member.listen(await freePort(), '127.0.0.1');
    await once(member, 'listening');
    const { port } = member.address() as AddressInfo;
    await using proxy = await startGrpcRequestProxy(port, () => ({ kind: 'delayed', ms: 0 }));
    const client = new Member(proxy.endpoint, {});
    await expect(client.call('KV', 'put', { key: Buffer.from('k') }, PATIENCE_MS)).rejects.toThrow(
      'RST_STREAM',
    );
    await proxy.idle();
    client.close();
    member.close();

    expect(proxy.counts.delayed).toBe(1);
  });

  it('lets watches and sessions through, and what etcd refuses, and goes on when the member is back', async () => {
    await using etcd = await startEtcd();
    await using proxy = await startGrpcRequestProxy(etcd.ports.client, () => ({ kind: 'passed' }));
    await using connection = await connect(proxy.endpoint, { requestTimeoutMs: 15_000 });
    const { kvi } = connection;
    await using follower = new Follower(kvi, { prefix: 'k/' });
    await kvi.tempKey('k/temporary');
    await follower.reached('k/temporary');
    await expect(kvi.store('k/large', 'x'.repeat(1.75 * 1024 * 1024))).rejects.toThrow(/too large/);
    await etcd.kill();
    await etcd.restart();
    await kvi.store('k/after', '');
    await follower.reached('k/after');

    expect(follower.changes.map(({ key }) => key)).toEqual(['k/temporary', 'k/after']);
  });
});
