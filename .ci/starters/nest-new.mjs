// node nest-new.mjs MAJOR FOLDER: a project as the Nest CLI of that version makes it, to be installed.
import { spawnSync } from 'node:child_process';
import { basename, dirname } from 'node:path';

const [major, folder] = process.argv.slice(2);
const [node, minor, patch] = process.versions.node.split('.').map(Number);

if (major === '12' && node === 20 && minor === 19 && patch < 3) {
  console.error(
    `The Nest CLI 12 ends with an error on Node ${process.version}, whatever it is asked: take 20.19.3 or newer for its starter. The package itself runs on 20.19.0.`,
  );
  process.exit(1);
}

// From elsewhere than the repository: npx would take the CLI that is installed there.
const { status } = spawnSync(
  'npx',
  [
    '--yes',
    `@nestjs/cli@${major}`,
    'new',
    basename(folder),
    '--skip-git',
    '--skip-install',
    '--package-manager=npm',
  ],
  { cwd: dirname(folder), stdio: ['ignore', 'inherit', 'inherit'] },
);
process.exitCode = status ?? 1;
