import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { downloadPackages } from './apt.mjs';

const run = promisify(execFile);

const PACKAGES = ['etcd-server', 'etcd-client'];

/**
 * Unpacks Debian's etcd packages of one suite into `folder`, without installing anything: the packages' own scripts
 * would start a service. Processes that do so at once do not disturb each other.
 */
export async function unpackDebianEtcd(suite, folder) {
  if (existsSync(folder)) return;
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
  try {
    await downloadPackages(suite, PACKAGES, work);
    await unpack(work);
    await settle(join(work, 'root'), folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The suite that this machine itself runs. */
export async function ownSuite() {
  const release = await readFile('/etc/os-release', 'utf8');
  const name = /^VERSION_CODENAME="?([\w-]+)"?$/m.exec(release)?.[1];
  if (name === undefined) throw new Error('/etc/os-release names no suite');
  return name;
}

async function unpack(work) {
  for (const file of await readdir(work)) {
    if (file.endsWith('.deb')) await run('dpkg', ['-x', join(work, file), join(work, 'root')]);
  }
}

/** One rename, so that a folder that is there is complete. */
async function settle(from, to) {
  try {
    await rename(from, to);
  } catch (error) {
    // Another process was faster.
    if (!existsSync(to)) throw error;
  }
}
