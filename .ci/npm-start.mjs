// `npm start` must build and run the sample, which shows nodes by itself and is gone after Ctrl-C.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const TIME_LIMIT_MS = 120_000;

const npm = spawn('npm', ['start'], {
  detached: true,
  env: { ...process.env, PORT: '0' },
  stdio: ['ignore', 'pipe', 'inherit'],
});

/** Reaches npm, its shell and the sample, as a terminal does: npm alone would leave the sample behind. */
function signalAll(signal) {
  process.kill(-Number(npm.pid), signal);
}

setTimeout(() => {
  signalAll('SIGKILL');
  throw new Error(`npm start took longer than ${TIME_LIMIT_MS} ms`);
}, TIME_LIMIT_MS).unref();

const output = createInterface({ input: npm.stdout }).on('line', (line) => console.log(line));
// Only when all of them have ended is nobody left to write.
const ended = once(output, 'close');

const url = await new Promise((resolve, reject) => {
  output.on('line', (line) => {
    const found = /Listening on (http:\S+)/.exec(line);
    if (found) resolve(found[1]);
  });
  output.on('close', () => reject(new Error('npm start ended before it listened')));
});

async function nodes() {
  const response = await fetch(`${url}/nodes`);
  return response.json();
}

try {
  while ((await nodes()).length === 0) await sleep(100);
} finally {
  signalAll('SIGINT');
}
await ended;
