/**
 * How long a thousand watches take to attach, against etcd3's own in the same run, on an etcd that is started for it:
 * on the bare loopback, where what counts is how much this process and the server compute. Run by `npm run bench`.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findEtcd } from '../support/etcd/find-etcd.mjs';

const ATTACH = fileURLToPath(new URL('../etcd/support/attach.mjs', import.meta.url));
const WATCHES = 1000;
const ROUNDS = 11;
const HEALTHY_WITHIN_MS = 15_000;

async function freeUrl() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
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

async function withEtcd(binary, use) {
  const folder = await mkdtemp(join(tmpdir(), 'hmetcd-bench-'));
  const [client, peer] = [await freeUrl(), await freeUrl()];
  const args = ['--data-dir', folder, '--log-level', 'error', '--initial-cluster', `default=${peer}`];
  args.push('--listen-client-urls', client, '--advertise-client-urls', client);
  args.push('--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer);
  const etcd = spawn(binary, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(etcd, 'exit');
  try {
    await untilHealthy(client);
    return await use(client);
  } finally {
    etcd.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
}

function median(numbers) {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];
}

function row(what, took, theirs) {
  const ratio = (median(took) / median(theirs)).toFixed(2);
  const worst = Math.max(...took.map((tookMs, round) => tookMs / theirs[round])).toFixed(2);
  const comparison = took === theirs ? '' : `${ratio} of etcd3's, in the worst round ${worst}`;
  console.log(`${what.padEnd(40)}${median(took).toFixed(0).padStart(12)} ms  ${comparison}`);
}

const found = await findEtcd().catch((error) => console.log(`\nNo etcd, no comparison: ${error.message}`));
if (found !== undefined) {
  const { stdout } = await withEtcd(found.etcd, (endpoint) =>
    promisify(execFile)(process.execPath, [ATTACH, endpoint, String(WATCHES), String(ROUNDS)]),
  );
  const { theirs, store, callbacks } = JSON.parse(stdout);
  console.log(`\n${WATCHES.toLocaleString('en')} watches attach, on etcd ${found.version}`);
  row('of etcd3', theirs, theirs);
  row('of the store', store, theirs);
  row('watchWithCB', callbacks, theirs);
}
