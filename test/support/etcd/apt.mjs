import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const KEYRINGS = ['gpg', 'pgp'].map((ending) => `/usr/share/keyrings/debian-archive-keyring.${ending}`);

/**
 * Downloads packages of a Debian suite into `folder`, from the machine's own mirrors and checked with its own keys.
 * Needs no root: lists and caches are private to the folder.
 */
export async function downloadPackages(suite, packages, folder) {
  const keyring = KEYRINGS.find((path) => existsSync(path));
  if (keyring === undefined) throw new Error('this is not a Debian machine (no archive keyring)');
  const failures = [];
  for (const site of await mirrors(folder)) {
    try {
      await downloadFrom(`deb [signed-by=${keyring}] ${site} ${suite} main\n`, packages, folder);
      return;
    } catch (error) {
      failures.push(String(error.stderr || error));
    }
  }
  throw new Error(
    `no mirror of this machine has ${packages.join(' and ')} of ${suite}\n${failures.join('\n')}`,
  );
}

/** Known where `apt-get update` has run; an image of a container may have none of its lists. */
async function mirrors(folder) {
  const known = await indexSites([]);
  if (known.length > 0) return known;
  const settings = await privateSettings(join(folder, 'own'));
  await run('apt-get', ['update', ...settings]);
  return indexSites(settings);
}

async function indexSites(settings) {
  const { stdout } = await run('apt-get', [
    'indextargets',
    ...settings,
    '--format',
    '$(SITE)',
    'Identifier: Packages',
    'Origin: Debian',
  ]);
  return [...new Set(stdout.split('\n').filter((line) => line !== ''))];
}

async function downloadFrom(source, packages, folder) {
  const sources = join(folder, 'sources.list');
  await writeFile(sources, source);
  const settings = [
    ...(await privateSettings(join(folder, 'mirror'))),
    ...options(`Dir::Etc::sourcelist=${sources}`, 'Dir::Etc::sourceparts=/dev/null'),
  ];
  await run('apt-get', ['update', ...settings]);
  await run('apt-get', ['download', ...packages, ...settings], { cwd: folder });
}

async function privateSettings(folder) {
  const [lists, cache] = [join(folder, 'lists'), join(folder, 'cache')];
  await mkdir(join(lists, 'partial'), { recursive: true });
  await mkdir(join(cache, 'archives/partial'), { recursive: true });
  return options(
    `Dir::State::Lists=${lists}`,
    `Dir::Cache=${cache}`,
    'APT::Update::Error-Mode=any',
    'Acquire::Languages=none',
    'Acquire::Retries=5',
    // The sandbox user may not read a developer's folder.
    'APT::Sandbox::User=root',
  );
}

function options(...settings) {
  return settings.flatMap((setting) => ['-o', setting]);
}
