import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

const ROOT = resolve(import.meta.dirname, '../..');

async function packedFiles(): Promise<Set<string>> {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: ROOT, maxBuffer: 2 ** 26 });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  return new Set(files.map(({ path }) => path));
}

const isMap = (path: string): boolean => path.endsWith('.js.map');

function sourcesOf(map: string): string[] {
  const { sources } = JSON.parse(readFileSync(join(ROOT, map), 'utf8')) as { sources: string[] };
  return sources.map((source) => posix.join(posix.dirname(map), source));
}

it('Every source that a map of either build names is in the package', async () => {
  const files = await packedFiles();
  const maps = [...files].filter(isMap);
  for (const build of ['esm', 'cjs']) {
    const built = readdirSync(join(ROOT, 'dist', build), { recursive: true, encoding: 'utf8' }).filter(isMap);
    expect(maps.filter((path) => path.startsWith(`dist/${build}/`))).toHaveLength(built.length);
  }
  const missing = maps.flatMap(sourcesOf).filter((source) => !files.has(source));
  expect(missing).toEqual([]);
});
