/**
 * Holds what the package exports, as it is built, against the reports of it, one for each entry point.
 * `npm run api:check` fails where they differ; `npm run api:accept` writes them.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { entryPoints } from './entry-points.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ACCEPTED = 'test/api/reports';

const work = mkdtempSync(join(tmpdir(), 'hmetcd-api-'));
const found = join(work, 'reports');
try {
  mkdirSync(found);
  for (const entryPoint of entryPoints) write(entryPoint);
  if (process.argv[2] === 'accept') accept();
  else compare();
} finally {
  rmSync(work, { recursive: true });
}

function write({ title, declarations }) {
  const config = ExtractorConfig.prepare({
    configObject: configOf(title, declarations),
    configObjectFullPath: undefined,
    packageJsonFullPath: join(ROOT, 'package.json'),
  });
  const { succeeded } = Extractor.invoke(config, { localBuild: true, messageCallback: muteNotices });
  if (!succeeded) throw new Error(`The report of ${declarations} could not be written.`);
}

/** What a name is for is for typedoc to check; here it is what it looks like. */
function configOf(title, declarations) {
  const quiet = { default: { logLevel: 'none' } };
  return {
    projectFolder: ROOT,
    mainEntryPointFilePath: join(ROOT, declarations),
    compiler: { tsconfigFilePath: join(ROOT, 'tsconfig.json') },
    apiReport: {
      enabled: true,
      includeForgottenExports: true,
      reportFileName: title,
      reportFolder: found,
      reportTempFolder: join(work, 'temp'),
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: { extractorMessageReporting: quiet, tsdocMessageReporting: quiet },
    newlineKind: 'lf',
  };
}

/** Which compiler it brings, and that it has written a report, is no news. */
function muteNotices(message) {
  message.handled = message.category === 'console';
}

function accept() {
  rmSync(join(ROOT, ACCEPTED), { recursive: true, force: true });
  cpSync(found, join(ROOT, ACCEPTED), { recursive: true });
}

function compare() {
  const diff = ['diff', '--no-index', '--exit-code', ACCEPTED, found];
  if (spawnSync('git', diff, { cwd: ROOT, stdio: 'inherit' }).status === 0) return;
  console.error(
    `\nWhat the package exports is not what ${ACCEPTED} says. If that is meant so, run \`npm run api:accept\`, ` +
      'commit the report, and write what changes for users into CHANGELOG.md.',
  );
  process.exitCode = 1;
}
