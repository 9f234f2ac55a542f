import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Checkout } from '../mutations/checkout.mjs';

const run = promisify(execFile);

/** What `npm ci` installs. */
const OWN = '12';

/** The packages of older ones that are counted otherwise than Nest itself. Any Nest is built with the newest CLI. */
const COUNTED_BY_THEMSELVES = { 11: { config: 4, 'event-emitter': 3, schedule: 6 } };

const SCOPE = '@nestjs/';

/** A copy of the checkout, built, that has that Nest. */
export async function checkoutWithNest(major) {
  const checkout = await Checkout.copy();
  try {
    if (major !== OWN) await install(major, checkout.folder);
    await npm(checkout.folder, 'run', 'pretest');
    return checkout;
  } catch (error) {
    await checkout.remove();
    throw new Error(`Nest ${major}: ${error.stdout || error.message}`, { cause: error });
  }
}

export async function nestVersion(folder) {
  const { version } = await readJson(join(folder, `node_modules/${SCOPE}core/package.json`));
  return version;
}

/** Into the copy, whose lock file is its own; the modules were the checkout's. */
async function install(major, folder) {
  const versions = COUNTED_BY_THEMSELVES[major];
  if (versions === undefined) throw new Error('which packages go with it is not known');
  const { devDependencies } = await readJson(join(folder, 'package.json'));
  const packages = Object.keys(devDependencies)
    .filter((name) => name.startsWith(SCOPE) && name !== `${SCOPE}cli`)
    .map((name) => `${name}@${versions[name.slice(SCOPE.length)] ?? major}`);
  await rm(join(folder, 'node_modules'));
  await npm(folder, 'install', '--no-audit', '--no-fund', ...packages);
}

async function npm(folder, ...args) {
  await run('npm', args, { cwd: folder, maxBuffer: 2 ** 26 });
}

async function readJson(file) {
  return JSON.parse(await readFile(file, 'utf8'));
}
