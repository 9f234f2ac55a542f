import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Etcd3 } from 'etcd3';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { startProxy, type TcpProxy } from '../support/etcd/tcp-proxy.js';

describe('a link to an etcd', () => {
  let etcd: EtcdServer;
  let proxy: TcpProxy;
  let client: Etcd3;

  beforeEach(async () => {
    etcd = await startEtcd();
    proxy = await startProxy(etcd.ports.client);
    client = new Etcd3({ hosts: proxy.endpoint });
  });

  afterEach(async () => {
    client.close();
    await proxy.stop();
    await etcd.stop();
  });

  it('drops a response after the server has done what it was asked', async () => {
    const dropped = proxy.dropNextResponse();
    const put = client.put('a').value('1').exec();
    await dropped;
    await put;

    // This client asks again when it does not get an answer.
    expect((await etcd.metrics()).sum('etcd_mvcc_put_total')).toBe(2);
  });

  it('breaks right behind a message of a stream', async () => {
    const seen: string[] = [];
    const watcher = await client.watch().key('k').create();
    watcher.on('put', ({ value }) => seen.push(value.toString('latin1', 0, 1)));
    const cut = proxy.cutAfterMessages(2, { atLeastBytes: 1_000 });
    const broken = new Promise((resolve) => {
      watcher.once('disconnected', resolve);
    });
    await etcd.ctl('put', 'k', '1'.repeat(1_000));
    await etcd.ctl('put', 'k', '2'.repeat(1_000));
    await Promise.all([cut, broken]);

    expect(seen).toEqual(['1', '2']);
    await watcher.cancel();
  });
});
