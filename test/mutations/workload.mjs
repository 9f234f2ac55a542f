import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

const RESULT = 'result.json';
const CACHE = '.jest-cache';

const JEST = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
  '--maxWorkers=1',
  // A test that fails leaves behind what was under way.
  '--forceExit',
  '--json',
  `--outputFile=${RESULT}`,
  `--cacheDirectory=${CACHE}`,
];

/**
 * Runs the tests of a workload.
 *
 * @returns what the failed tests said; the other end of the run, if there was one: it took too long, or no test ran; its
 * output; and the seconds that it took
 */
export async function runWorkload(folder, { tests, only, env, limitSec }, signal) {
  const startedAt = performance.now();
  await rm(join(folder, RESULT), { force: true });
  const chosen = ['--testPathPatterns', tests, ...(only === undefined ? [] : ['--testNamePattern', only])];
  const jest = spawn(process.execPath, [...JEST, ...chosen], {
    cwd: folder,
    // Signs are looked for in text without colours.
    env: { ...process.env, FORCE_COLOR: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, which ends with it.
    detached: true,
  });
  const output = [];
  for (const stream of [jest.stdout, jest.stderr]) stream.on('data', (chunk) => output.push(chunk));
  const end = () => endGroup(jest.pid);
  const timer = setTimeout(end, limitSec * 1000);
  signal.addEventListener('abort', end);
  await once(jest, 'close');
  signal.removeEventListener('abort', end);
  clearTimeout(timer);
  end();
  const seconds = (performance.now() - startedAt) / 1000;
  const { failures, trouble } = readResult(await readFile(join(folder, RESULT), 'utf8').catch(() => ''));
  return {
    failures,
    trouble: seconds >= limitSec ? `it took more than ${limitSec} s` : trouble,
    output: Buffer.concat(output).toString(),
    seconds,
  };
}

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

function readResult(json) {
  if (json === '') return { failures: [], trouble: 'Jest did not come to its end' };
  const { testResults } = JSON.parse(json);
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failures = tests
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => ({ name: fullName, message: failureMessages.join('\n') }));
  const broken = testResults.find(({ status, assertionResults }) => {
    return status === 'failed' && !assertionResults.some((test) => test.status === 'failed');
  });
  if (broken !== undefined) return { failures, trouble: 'a file of tests did not load' };
  const ran = tests.some(({ status }) => status === 'passed' || status === 'failed');
  return { failures, trouble: ran ? undefined : 'no test ran' };
}
