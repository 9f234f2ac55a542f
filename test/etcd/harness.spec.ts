import { describe, expect, it } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SecureContextOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createCertificates } from '../support/etcd/certificates.js';
import { stopAll } from '../support/etcd/cleanup.js';
import { etcdBinary, OLD_SUITE } from '../support/etcd/etcd-binary.js';
import { startCluster } from '../support/etcd/etcd-cluster.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';

const run = promisify(execFile);

function isAlive(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.each(['the etcd under test', OLD_SUITE])('%s', (suite) => {
  const binary = etcdBinary(suite === OLD_SUITE ? suite : undefined);

  it('keeps its data over kill -9 and restart, on the same endpoint', async () => {
    await using etcd = await startEtcd({ binary: await binary });
    const { endpoint } = etcd;
    await etcd.ctl('put', 'a', '1');
    await etcd.kill();
    expect(await etcd.isHealthy()).toBe(false);
    await etcd.restart();

    expect(etcd.endpoint).toBe(endpoint);
    expect(await etcd.ctl('get', 'a', '--print-value-only')).toBe('1\n');
  });

  it('tells its metrics', async () => {
    await using etcd = await startEtcd({ binary: await binary });
    await etcd.ctl('put', 'a', '1');
    const metrics = await etcd.metrics();

    expect(metrics.sum('etcd_server_has_leader')).toBe(1);
    expect(metrics.sum('etcd_mvcc_put_total')).toBe(1);
  });

  it('goes back to a snapshot', async () => {
    await using etcd = await startEtcd({ binary: await binary });
    await etcd.ctl('put', 'a', '1');
    const snapshot = await etcd.saveSnapshot();
    await etcd.ctl('put', 'a', '2');
    await etcd.restoreSnapshot(snapshot);

    expect(await etcd.ctl('get', 'a', '--print-value-only')).toBe('1\n');
  });

  it('parts a member from the others, and brings it back', async () => {
    await using cluster = await startCluster({ binary: await binary, peerProxies: true });
    const lost = await cluster.leader();
    await cluster.isolate(lost);
    const next = await cluster.leader();
    await cluster.member(next).ctl('put', 'a', '1');

    expect(next).not.toBe(lost);
    expect(await cluster.member(lost).isHealthy()).toBe(false);
    await cluster.heal();
    await cluster.member(lost).whenHealthy();
    expect(await cluster.member(lost).ctl('get', 'a', '--print-value-only')).toBe('1\n');
  });
});

describe('an etcd', () => {
  it('answers nothing while it is paused, and goes on', async () => {
    await using etcd = await startEtcd();
    etcd.pause();
    await expect(etcd.ctl('get', 'a', '--command-timeout=300ms')).rejects.toThrow(/deadline exceeded/);
    etcd.resume();
    await etcd.whenHealthy();
  });

  it('is gone with its data after stop, also when it was paused', async () => {
    const etcd = await startEtcd();
    etcd.pause();
    await etcd.stop();

    expect(isAlive(etcd.pid)).toBe(false);
    expect(existsSync(etcd.folder)).toBe(false);
  });

  it('shows why it did not start', async () => {
    await expect(startEtcd({ args: ['--no-such-flag'] })).rejects.toThrow(/no-such-flag/);
  });

  it('is ended after the tests of a file that did not do so', async () => {
    const etcd = await startEtcd();
    await stopAll();

    expect(isAlive(etcd.pid)).toBe(false);
  });
});

describe('certificates', () => {
  it('serve an etcd over TLS, and are refused when another authority made them', async () => {
    await using certificates = await createCertificates();
    const { ca, wrongCa } = certificates;
    await using etcd = await startEtcd({ tls: certificates.serverTls() });

    expect(await etcd.ctl('put', 'a', '1')).toBe('OK\n');
    expect(await statusOf(etcd, { ca: ca.cert })).toBe(200);
    await expect(statusOf(etcd, { ca: wrongCa.cert })).rejects.toThrow(/unable to verify/);
  });

  it('let in clients that have one of the same authority only', async () => {
    await using certificates = await createCertificates();
    const { ca, client, wrongClient } = certificates;
    await using etcd = await startEtcd({ tls: certificates.serverTls({ mutual: true }) });

    expect(await etcd.ctl('put', 'a', '1')).toBe('OK\n');
    expect(await statusOf(etcd, { ca: ca.cert, cert: client.cert, key: client.key })).toBe(200);
    // The reason is in the server's last words, which its closing of the connection may overtake.
    const refused = /certificate required|unknown ca|bad certificate|ECONNRESET|EPIPE|socket hang up/;
    await expect(statusOf(etcd, { ca: ca.cert })).rejects.toThrow(refused);
    const stranger = { ca: ca.cert, cert: wrongClient.cert, key: wrongClient.key };
    await expect(statusOf(etcd, stranger)).rejects.toThrow(refused);
  });
});

function statusOf({ endpoint }: EtcdServer, tls: SecureContextOptions): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = get(`${endpoint}/version`, { agent: false, ...tls }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('error', reject);
  });
}

describe('a cluster', () => {
  it('elects another leader when the leader is killed, and takes it back', async () => {
    await using cluster = await startCluster();
    const first = await cluster.leader();
    await cluster.member(first).kill();

    expect(await cluster.leader()).not.toBe(first);
    await cluster.member(first).restart();
    expect(await cluster.followers()).toContain(first);
  });

  it('elects another leader when the leader is paused', async () => {
    await using cluster = await startCluster();
    const first = await cluster.leader();
    cluster.member(first).pause();

    expect(await cluster.leader()).not.toBe(first);
    cluster.member(first).resume();
    await cluster.whenHealthy();
  });

  it('is reached through a proxy for each member', async () => {
    await using cluster = await startCluster({ clientProxies: true });
    const [proxy] = cluster.clientProxies;
    await run((await etcdBinary()).etcdctl, [`--endpoints=${cluster.endpoints[0]}`, 'put', 'a', '1']);

    expect(proxy?.counters.connections).toBe(1);
  });

  it('loses one line between two members without losing its quorum', async () => {
    await using cluster = await startCluster({ peerProxies: true });
    const [one = 0, other = 0] = await cluster.followers();
    await cluster.network.link(one, other).hold();
    await cluster.network.link(other, one).hold();

    await cluster.member(one).ctl('put', 'a', '1');
    expect(await cluster.member(other).ctl('get', 'a', '--print-value-only')).toBe('1\n');
  });
});

describe('a process that dies', () => {
  it('leaves no etcd and no folder behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hmetcd-orphan-'));
    const orphan = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const ended = once(orphan, 'exit');
    // What `reaper.ts` starts; the end of its input is the end of the process that wrote it.
    const script = fileURLToPath(new URL('../support/etcd/reaper-process.mjs', import.meta.url));
    const reaper = spawn(process.execPath, [script], { stdio: ['pipe', 'ignore', 'inherit'] });
    const done = once(reaper, 'exit');
    reaper.stdin.end(`${JSON.stringify({ folder, pid: orphan.pid })}\n`);
    await done;

    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(existsSync(folder)).toBe(false);
  });
});
