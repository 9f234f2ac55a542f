import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/nestjs-hmetcd', import.meta.url));

/** The Node of a version, or the newest of a major one, from the npm package that brings its binary for this machine. */
export async function nodeBinary(version) {
  const packageName = `node-${process.platform}-${process.arch}`;
  const { stdout } = await run('npm', ['view', `${packageName}@${version}`, 'version', '--json']);
  const exact = newest([JSON.parse(stdout)].flat());
  const folder = join(CACHE, `node-${exact}-${process.arch}`);
  const path = join(folder, 'node_modules', packageName, 'bin');
  if (!existsSync(path)) {
    await mkdir(folder, { recursive: true });
    await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', `${packageName}@${exact}`]);
  }
  return { version: exact, path };
}

/** A registry lists versions in any order. */
function newest(versions) {
  return versions.toSorted(new Intl.Collator('en', { numeric: true }).compare).at(-1);
}
