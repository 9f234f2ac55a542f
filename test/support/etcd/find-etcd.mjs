import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ownSuite, unpackDebianEtcd } from './debian-packages.mjs';

// Plain JavaScript, because Jest's global setup and npm scripts load it without a compiler.

const run = promisify(execFile);

/** Leases of older servers break around a stalled leader. */
const OLDEST = [3, 5, 13];
const DEFAULT_SUITE = 'trixie';
export const OLD_SUITE = 'bookworm';
const IN_DOCKER = 'docker run --rm -it -v "$PWD":/app -w /app node:22-bookworm npm test';
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/nestjs-hmetcd', import.meta.url));

/**
 * `ETCD_BIN`, or a new enough etcd on the PATH, or Debian's packages. A suite, as the argument or in `ETCD_SUITE`,
 * asks for Debian's packages of that suite; 'own' is the suite of this machine.
 */
export async function findEtcd(suite = process.env.ETCD_SUITE || undefined) {
  if (suite !== undefined) return fetched(suite);
  if (process.env.ETCD_BIN) return described(process.env.ETCD_BIN);
  return (await installed()) ?? fetched(DEFAULT_SUITE);
}

async function installed() {
  const etcd = onPath('etcd');
  if (etcd === undefined) return undefined;
  const found = await described(etcd);
  return isRecent(found.version) ? found : undefined;
}

async function fetched(suite) {
  const given = process.env[suiteVariable(suite)];
  if (given) return described(given);
  try {
    const name = suite === 'own' ? await ownSuite() : suite;
    const folder = join(process.env.ETCD_CACHE || CACHE, `etcd-${name}-${process.arch}`);
    await unpackDebianEtcd(name, folder);
    return await described(join(folder, 'usr/bin/etcd'));
  } catch (cause) {
    throw new Error(`${howToInstall(suite)}\n\nWhy it could not be fetched: ${cause.message}`, { cause });
  }
}

/** For a machine that has no Debian packages: where the etcd of that version is. */
function suiteVariable(suite) {
  return `ETCD_BIN_${suite.toUpperCase()}`;
}

async function described(etcd) {
  const { stdout } = await run(etcd, ['--version']);
  const version = /etcd Version: (\S+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${etcd} does not tell its version`);
  const beside = join(dirname(etcd), 'etcdctl');
  return { etcd, etcdctl: existsSync(beside) ? beside : (onPath('etcdctl') ?? beside), version };
}

function isRecent(version) {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  const differing = OLDEST.findIndex((least, index) => parts[index] !== least);
  return differing === -1 || parts[differing] > OLDEST[differing];
}

function onPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function howToInstall(suite) {
  if (suite !== DEFAULT_SUITE) {
    return `This needs the etcd of Debian's suite ${suite}.
  Debian: nothing to install, its packages are fetched; that failed here
  Docker: ${IN_DOCKER}
  Any other: download a release of that version and set ${suiteVariable(suite)}=/path/to/etcd, with etcdctl beside it`;
  }
  return `These tests need a real etcd, ${OLDEST.join('.')} or newer.
  Debian: nothing to install, its packages are fetched; that failed here
  Fedora: sudo dnf install etcd
  macOS:  brew install etcd
  Docker: ${IN_DOCKER}
  Any other: download a release of etcd and set ETCD_BIN=/path/to/etcd, with etcdctl beside it
The tests that need none: npm run test:mem`;
}
