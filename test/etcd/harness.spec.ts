import { describe, expect, it } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { SecureContextOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { raiseNoSpace } from '../support/etcd/alarm.js';
import { createCertificates } from '../support/etcd/certificates.js';
import { stopAll } from '../support/etcd/cleanup.js';
import { etcdBinary, OLD_SUITE } from '../support/etcd/etcd-binary.js';
import { startCluster } from '../support/etcd/etcd-cluster.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { AS_ROOT, enableAuth, ROOT, tokenArgs } from '../support/etcd/expiring-tokens.js';
import { tryLoopDisk } from '../support/etcd/loop-disk.js';
import { poll } from '../support/etcd/poll.js';

const run = promisify(execFile);

/** What `reaper.ts` starts; the end of its input is the end of the process that wrote it. */
const REAPER = fileURLToPath(new URL('../support/etcd/reaper-process.mjs', import.meta.url));

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

describe('a member that was removed', () => {
  it('comes back without its data, as another member on its ports, and is given the data', async () => {
    await using cluster = await startCluster({ peerProxies: true });
    const [gone, other] = [cluster.member(0), cluster.member(1)];
    await other.ctl('put', 'a', '1');
    const [, id, peerUrl] = /^(\w+), started, member0, ([^,]+),/m.exec(await other.ctl('member', 'list'))!;
    await gone.kill();
    // It may have been the leader.
    await cluster.leader();
    await other.ctl('member', 'remove', id!);
    await other.ctl('member', 'add', 'member0', `--peer-urls=${peerUrl}`);
    await gone.rejoin();

    // It serves before the others know its name.
    const list = await poll('all have started', async () => {
      const members = await other.ctl('member', 'list');
      return members.match(/, started, /g)?.length === 3 ? members : undefined;
    });
    expect(list).not.toContain(id);
    expect(await gone.ctl('get', 'a', '--consistency=s', '--print-value-only')).toBe('1\n');
    await gone.restart();
  });
});

describe('an alarm', () => {
  it('is raised, also where only root is served, and disarmed', async () => {
    await using etcd = await startEtcd({ args: await tokenArgs(1) });
    await raiseNoSpace(etcd.endpoint);
    await expect(etcd.ctl('put', 'a', '1')).rejects.toThrow(/space exceeded/);
    await etcd.ctl('alarm', 'disarm');
    await enableAuth(etcd);
    await raiseNoSpace(etcd.endpoint, ROOT);
    await expect(etcd.ctl(...AS_ROOT, 'put', 'a', '1')).rejects.toThrow(/space exceeded/);
    await etcd.ctl(...AS_ROOT, 'alarm', 'disarm');
    expect(await etcd.ctl(...AS_ROOT, 'put', 'a', '1')).toBe('OK\n');
    await expect(etcd.ctl('put', 'a', '1')).rejects.toThrow(/user name is empty/);
  });
});

describe('tokens', () => {
  it('are good at each member until they expire, for a user who may do everything', async () => {
    // etcd cuts the end of a token to whole seconds.
    await using cluster = await startCluster({ args: await tokenArgs(5) });
    await enableAuth(cluster.member(0));
    const { username: name, password } = ROOT;
    const { token } = (await (
      await call(cluster.member(0), 'auth/authenticate', { name, password })
    ).json()) as { token: string };
    const range = { key: Buffer.from('a').toString('base64') };
    const statuses = async (): Promise<number[]> =>
      Promise.all(
        cluster.members.map(async (member) => (await call(member, 'kv/range', range, token)).status),
      );

    // Whoever has not heard yet that users are asked for serves it as well.
    expect(await statuses()).toEqual([200, 200, 200]);
    await poll('the token expires', async () => !(await statuses()).includes(200) || undefined);
  });
});

function call({ endpoint }: EtcdServer, method: string, request: object, token?: string): Promise<Response> {
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: token };
  return fetch(`${endpoint}/v3/${method}`, { method: 'POST', body: JSON.stringify(request), headers });
}

/** Whether a disk can be stalled is the machine's to say. */
function told(why: Error): void {
  process.stdout.write(`${why.message}\n`);
}

describe('a disk that is stalled', () => {
  it('holds up the member on it and no other, and its end is not held up', async () => {
    const disk = await tryLoopDisk();
    if (disk instanceof Error) return told(disk);
    await using cluster = await startCluster({ disk });
    const [member, other] = [cluster.member(0), cluster.member(1)];
    expect(member.folder.startsWith(disk.folder)).toBe(true);
    await disk.freeze();
    await other.ctl('put', 'a', '1');
    await poll('the member stalls', async () => !(await member.isHealthy(500)) || undefined);
    await disk.thaw();
    await member.whenHealthy();
    await disk.freeze();
    await other.ctl('put', 'a', '2');
    await stopAll();

    expect(isAlive(member.pid)).toBe(false);
    expect(await readFile('/proc/mounts', 'utf8')).not.toContain(disk.folder);
    await poll('the loop device is free', async () => {
      const { stdout } = await run('losetup', ['--list', '--output', 'BACK-FILE']);
      return stdout.includes(dirname(disk.folder)) ? undefined : true;
    });
  });
});

describe('a process that dies', () => {
  it('leaves no etcd and no folder behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hmetcd-orphan-'));
    const orphan = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const ended = once(orphan, 'exit');
    const reaper = spawn(process.execPath, [REAPER], { stdio: ['pipe', 'ignore', 'inherit'] });
    const done = once(reaper, 'exit');
    reaper.stdin.end(`${JSON.stringify({ folder, pid: orphan.pid })}\n`);
    await done;

    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(existsSync(folder)).toBe(false);
  });

  it('leaves no disk behind that is mounted or frozen, and nobody who waits for it', async () => {
    const allowed = await tryLoopDisk();
    if (allowed instanceof Error) return told(allowed);
    await allowed[Symbol.asyncDispose]();
    const folder = await mkdtemp(join(tmpdir(), 'hmetcd-orphan-'));
    const [image, mountPoint] = [join(folder, 'image'), join(folder, 'disk')];
    await mkdir(mountPoint);
    await run('truncate', ['--size=16M', image]);
    await run('mkfs.ext4', ['-q', '-F', image]);
    await run('mount', ['-o', 'loop', image, mountPoint]);
    await run('fsfreeze', ['--freeze', mountPoint]);
    const orphan = spawn('sh', ['-c', 'echo "$0" >file && exec sleep 600', 'x'], { cwd: mountPoint });
    const ended = once(orphan, 'exit');
    const reaper = spawn(process.execPath, [REAPER], { stdio: ['pipe', 'ignore', 'inherit'] });
    const done = once(reaper, 'exit');
    reaper.stdin.write(`${JSON.stringify({ folder, mountPoint })}\n`);
    reaper.stdin.end(`${JSON.stringify({ folder: join(mountPoint, 'member'), pid: orphan.pid })}\n`);
    await done;

    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(await readFile('/proc/mounts', 'utf8')).not.toContain(folder);
    expect(existsSync(folder)).toBe(false);
  });
});
