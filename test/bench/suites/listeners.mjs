import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('../processes/listeners.mjs', import.meta.url));
const BUILD = fileURLToPath(new URL('../../../dist/esm/', import.meta.url));
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/nestjs-hmetcd/', import.meta.url));

/** What telemetry costs whoever does not listen, and whoever does. */
export function rows() {
  return ['etcd', 'mem'].flatMap((store) => [
    {
      id: `${store}/listeners/none`,
      store,
      title: 'get, 256 in flight, nobody listens to the channels',
      unit: '× itself without the checks for listeners',
      contenders: ['ours'],
      targets: [{ atLeast: 0.97 }],
      inFlight: 256,
      listens: false,
    },
    {
      id: `${store}/listeners/all`,
      store,
      title: 'get, 256 in flight, a listener on every channel',
      unit: '× itself without listeners',
      contenders: ['ours'],
      targets: [],
      inFlight: 256,
      listens: true,
    },
  ]);
}

/** A process for each round: what the compiler made of one would favour the same side in all of them. */
export async function begin({ inFlight, listens }, _contender, endpoint, { measureMs }) {
  const other = listens ? BUILD : await buildWithoutChecks();

  /** Both orders count the same: on `mem:`, the side that is compiled first is a tenth slower, be the builds alike. */
  async function measure() {
    return Math.sqrt((await ratio(true)) * (await ratio(false)));
  }

  async function ratio(oursFirst) {
    const args = [endpoint, JSON.stringify({ build: BUILD, other, oursFirst, inFlight, listens, measureMs })];
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, ...args]);
    return Number(stdout);
  }

  return { measure, end: async () => other !== BUILD && (await rm(other, { recursive: true })) };
}

/** A copy in which nobody is looked for. It lies where its packages are found. */
async function buildWithoutChecks() {
  await mkdir(CACHE, { recursive: true });
  const copy = await mkdtemp(join(CACHE, 'without-checks-'));
  await cp(BUILD, copy, { recursive: true });
  await writeFile(join(copy, 'package.json'), '{"type":"module"}');
  let cut = 0;
  for (const name of await readdir(copy, { recursive: true })) {
    if (!name.endsWith('.js')) continue;
    const code = await readFile(join(copy, name), 'utf8');
    const left = code.replaceAll(/\w+Channel\.hasSubscribers/g, () => `(${(cut++, false)})`);
    if (left !== code) await writeFile(join(copy, name), left);
  }
  if (cut === 0) throw new Error('There was no check for listeners to be cut out.');
  return `${copy}/`;
}
