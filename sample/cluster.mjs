// `npm run sample:cluster`: an etcd and three instances of the sample on it, each line of output with its origin.
// Ctrl-C ends all; end one of them by its pid to see it leave the page of another, and the others sweep on.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { findEtcd } from '../test/support/etcd/find-etcd.mjs';

const INSTANCES = 3;
const FIRST_PORT = Number(process.env.PORT ?? 3000);
const HEALTHY_WITHIN_MS = 15_000;

const children = new Set();
const folder = await mkdtemp(join(tmpdir(), 'heartbeat-tracker-'));

function start(label, command, args, env = {}) {
  // In a group of its own: Ctrl-C reaches this process alone, which ends them in their order.
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  children.add(child);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => process.stdout.write(`${label} | ${line}\n`));
  }
  child.on('exit', (code, signal) => {
    children.delete(child);
    process.stdout.write(`${label} | ended: ${signal ?? `code ${code}`}\n`);
    if (label === 'etcd' || children.size === 1) stop();
    if (children.size === 0) void rm(folder, { recursive: true, force: true });
  });
  process.stdout.write(`${label} | pid ${child.pid}\n`);
  return child;
}

/** The instances first: they give back their locks. */
function stop() {
  const [etcd, ...instances] = children;
  for (const child of instances) child.kill('SIGTERM');
  if (instances.length === 0) etcd?.kill('SIGTERM');
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => {
    server.once('listening', resolve);
  });
  const { port } = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

async function startEtcd() {
  const { etcd } = await findEtcd();
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const args = ['--data-dir', join(folder, 'etcd'), '--log-level', 'error', '--unsafe-no-fsync'];
  args.push('--listen-client-urls', client, '--advertise-client-urls', client);
  args.push('--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer);
  start('etcd', etcd, [...args, '--initial-cluster', `default=${peer}`]);
  await untilHealthy(client);
  return client;
}

async function untilHealthy(endpoint) {
  const deadline = performance.now() + HEALTHY_WITHIN_MS;
  while (performance.now() < deadline) {
    const answer = await fetch(`${endpoint}/health`).catch(() => undefined);
    if (answer?.ok) return;
    await pause(100);
  }
  throw new Error(`etcd was not healthy within ${HEALTHY_WITHIN_MS} ms`);
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);

const endpoint = await startEtcd();
for (let i = 0; i < INSTANCES; i++) {
  const port = FIRST_PORT + i;
  const args = [join(import.meta.dirname, 'dist/main.js'), '--nodes', i === 0 ? '5' : '0'];
  start(`:${port}`, process.execPath, args, { PORT: String(port), HMETCD_ENDPOINT: endpoint });
}
