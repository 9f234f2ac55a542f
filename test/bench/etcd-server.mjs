import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const REAPER = fileURLToPath(new URL('../support/etcd/reaper-process.mjs', import.meta.url));
const HEALTHY_WITHIN_MS = 30_000;

/** The history of a whole run, which nothing compacts. */
const QUOTA_BYTES = 8 * 1024 ** 3;

/** Runs `use` with the address of an etcd that is started for it, durable as etcd is by default, and gone after it. */
export async function withEtcd(binary, use) {
  const folder = await mkdtemp(join(tmpdir(), 'hmetcd-bench-'));
  // A session of its own: Ctrl-C ends this process, and then the reaper ends etcd and removes the folder.
  const reaper = spawn(process.execPath, [REAPER], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
  const reaped = once(reaper, 'exit');
  const [client, peer] = [await freeUrl(), await freeUrl()];
  const etcd = spawn(binary, argsOf(folder, client, peer), { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(etcd, 'exit');
  reaper.stdin.write(`${JSON.stringify({ folder, pid: etcd.pid })}\n`);
  try {
    await Promise.race([untilHealthy(client), ended.then(failed)]);
    return await use(client);
  } finally {
    etcd.kill('SIGKILL');
    await ended;
    reaper.stdin.end();
    await reaped;
  }
}

function argsOf(folder, client, peer) {
  return [
    `--data-dir=${folder}`,
    '--log-level=error',
    `--quota-backend-bytes=${QUOTA_BYTES}`,
    `--initial-cluster=default=${peer}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
  ];
}

async function freeUrl() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

function failed([code]) {
  throw new Error(`etcd ended with code ${code} before it served.`);
}

async function untilHealthy(endpoint) {
  const deadline = performance.now() + HEALTHY_WITHIN_MS;
  while (performance.now() < deadline) {
    const answer = await fetch(`${endpoint}/health`).catch(() => undefined);
    if (answer?.ok) return;
    await pause(50);
  }
  throw new Error(`etcd did not serve within ${HEALTHY_WITHIN_MS} ms.`);
}
