// node npm-start.mjs STATUS, in a starter: `npm run start` answers an HTTP request with that, and ends on SIGTERM.
import { strictEqual } from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { NpmRun } from '../npm-run.mjs';

const status = Number(process.argv[2]);

// The starter does not say on which port it listens.
async function freePort() {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

// Nest says that it has started just before it listens.
async function get(url) {
  for (let triesLeft = 50; ; triesLeft--) {
    try {
      return await fetch(url);
    } catch (error) {
      if (triesLeft === 0) throw error;
      await sleep(100);
    }
  }
}

const port = await freePort();
const npm = new NpmRun('start', { env: { PORT: String(port) } });
try {
  await npm.says(/Nest application successfully started/);
  const answer = await get(`http://127.0.0.1:${port}/`);
  console.log(`${answer.status} ${await answer.text()}`);
  strictEqual(answer.status, status);
} finally {
  await npm.end('SIGTERM');
}
