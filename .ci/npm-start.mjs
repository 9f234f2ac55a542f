// `npm start` must build and run the sample, which shows nodes by itself and is gone after Ctrl-C.
import { setTimeout as sleep } from 'node:timers/promises';
import { NpmRun } from './npm-run.mjs';

const npm = new NpmRun('start', { env: { PORT: '0' } });
const [, url] = await npm.says(/Listening on (http:\S+)/);

async function nodes() {
  const response = await fetch(`${url}/nodes`);
  return response.json();
}

try {
  while ((await nodes()).length === 0) await sleep(100);
} finally {
  await npm.end('SIGINT');
}
