import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

const RESULT = 'matrix.json';

const JEST = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
  '--json',
  `--outputFile=${RESULT}`,
];

/**
 * Runs one of Jest's projects in `folder`, and shows what it says.
 *
 * @returns what Jest counted, the seconds that it took, and its trouble if it had any
 */
export async function runTests(project, { folder, node, suite, signal }) {
  await rm(join(folder, RESULT), { force: true });
  const startedAt = performance.now();
  const jest = spawn(join(node.path, 'node'), [...JEST, '--selectProjects', project], {
    cwd: folder,
    env: environment(node, suite),
    signal,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(jest, 'exit');
  const seconds = (performance.now() - startedAt) / 1000;
  return { seconds, ...(await readCounts(join(folder, RESULT), code)) };
}

/** Tests start processes of their own, with the first Node of the path. */
function environment(node, suite) {
  const env = { ...process.env, PATH: `${node.path}${delimiter}${process.env.PATH}` };
  return suite === undefined ? env : { ...env, ETCD_SUITE: suite };
}

async function readCounts(file, code) {
  const result = await readFile(file, 'utf8').catch(() => undefined);
  if (result === undefined) return { passed: 0, failed: 0, trouble: `Jest ended with code ${code}` };
  const {
    numPassedTests: passed,
    numFailedTests: failed,
    numRuntimeErrorTestSuites: broken,
  } = JSON.parse(result);
  return { passed, failed, trouble: broken > 0 ? `${broken} files did not load` : undefined };
}
