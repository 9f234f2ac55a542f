import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Checkout } from '../mutations/checkout.mjs';

const run = promisify(execFile);

/** The packages that go with Nest 11, where they are counted otherwise than Nest itself. */
const WITH_NEST_11 = { cli: undefined, config: 4, 'event-emitter': 3, schedule: 6 };

/** A copy of the checkout, built, that has that Nest. The checkout itself has Nest 12. */
export async function checkoutWithNest(major) {
  const checkout = await Checkout.copy();
  const inCopy = async (...args) => run('npm', args, { cwd: checkout.folder, maxBuffer: 2 ** 26 });
  try {
    if (major !== '12') {
      await rm(join(checkout.folder, 'node_modules'));
      await inCopy(
        'install',
        '--save-exact',
        '--no-audit',
        '--no-fund',
        ...(await packagesOf(checkout.folder, major)),
      );
    }
    await inCopy('run', 'pretest');
    return checkout;
  } catch (error) {
    await checkout.remove();
    throw new Error(`Nest ${major}: ${error.stdout || error.message}`, { cause: error });
  }
}

export async function nestVersion(folder) {
  const path = join(folder, 'node_modules/@nestjs/core/package.json');
  return JSON.parse(await readFile(path, 'utf8')).version;
}

async function packagesOf(folder, major) {
  if (major !== '11') throw new Error(`There is no list of the packages that go with Nest ${major}`);
  const { devDependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const names = Object.keys(devDependencies).filter((name) => name.startsWith('@nestjs/'));
  return names.flatMap((name) => {
    const short = name.slice('@nestjs/'.length);
    const version = short in WITH_NEST_11 ? WITH_NEST_11[short] : 11;
    return version === undefined ? [] : [`${name}@${version}`];
  });
}
