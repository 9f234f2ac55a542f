/**
 * What the package weighs, and what its import costs: `npm run size`. It is packed, installed beside Nest in an empty folder, and imported
 * there in a new process each time. Bytes are the same everywhere; milliseconds are the machine's, and count beside those of Nest.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { entryPoints } from '../api/entry-points.mjs';
import { rounded } from './format.mjs';
import { median } from './statistics.mjs';

const ROUNDS = 15;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const IMPORTER = fileURLToPath(new URL('processes/importer.mjs', import.meta.url));
const { name, dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
);

const peers = Object.entries(peerDependencies).map(([peer, range]) => ({
  spec: `${peer}@${range}`,
  isOptional: peerDependenciesMeta[peer]?.optional === true,
}));
const specs = (isOptional) => peers.filter((peer) => peer.isOptional === isOptional).map(({ spec }) => spec);

const work = mkdtempSync(join(tmpdir(), 'hmetcd-size-'));
try {
  run();
} finally {
  rmSync(work, { recursive: true });
}

function run() {
  const packed = pack();
  const app = join(work, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "private": true, "type": "module" }');
  install(app, specs(false));
  const before = packagesIn(app);
  install(app, [join(work, packed.filename)]);
  const added = packagesIn(app).filter(({ path }) => !before.some((one) => one.path === path));
  printSizes(packed, added, before);
  install(app, specs(true));
  copyFileSync(IMPORTER, join(app, 'importer.mjs'));
  printTimes(app);
}

function pack() {
  return JSON.parse(npm(ROOT, 'pack', '--json', '--ignore-scripts', '--pack-destination', work))[0];
}

function install(folder, what) {
  npm(folder, 'install', '--ignore-scripts', '--no-audit', '--no-fund', ...what);
}

function npm(folder, ...args) {
  return execFileSync('npm', args, { cwd: folder, encoding: 'utf8', shell: process.platform === 'win32' });
}

/** What npm has installed, each package without those that lie within it. */
function packagesIn(folder) {
  const lock = JSON.parse(readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8'));
  return Object.keys(lock.packages).map((path) => ({
    path,
    name: path.split('node_modules/').at(-1),
    bytes: bytesIn(join(folder, path)),
  }));
}

function bytesIn(folder) {
  return sum(
    readdirSync(folder, { withFileTypes: true }).map((entry) => {
      if (entry.name === 'node_modules') return 0;
      const path = join(folder, entry.name);
      return entry.isDirectory() ? bytesIn(path) : statSync(path).size;
    }),
  );
}

function printSizes(packed, added, before) {
  const rest = added.filter(({ name: one }) => one !== name);
  const groups = [
    ...Object.keys(dependencies).map((title) => ({ title, isOf: (one) => one === title })),
    { title: '@grpc/*', isOf: (one) => one.startsWith('@grpc/') },
    { title: 'their dependencies', isOf: () => true },
  ];
  printTable('size', [
    ['packed', kB(packed.size), `${packed.entryCount} files`],
    ['unpacked', kB(packed.unpackedSize), ''],
    ['install, beside Nest', kB(bytesOf(added)), `${added.length} packages`],
    ...groups.map(({ title, isOf }) => {
      const group = takeFrom(rest, isOf);
      return [`  ${title}`, kB(bytesOf(group)), `${group.length} packages`];
    }),
    ['Nest itself: its peers', kB(bytesOf(before)), `${before.length} packages`],
  ]);
}

function takeFrom(packages, isOf) {
  const taken = packages.filter((one) => isOf(one.name));
  packages.splice(0, packages.length, ...packages.filter((one) => !taken.includes(one)));
  return taken;
}

/** Round by round, so that what disturbs one disturbs all. */
function printTimes(app) {
  const client = pathToFileURL(
    join(app, 'node_modules', name, 'dist/esm/store/etcd/open-etcd-store.js'),
  ).href;
  const imports = [
    ['@nestjs/core', ['@nestjs/core']],
    ...entryPoints.flatMap(({ specifier }) => [
      [specifier, [specifier]],
      ['  where Nest is loaded', ['@nestjs/common', '@nestjs/core', specifier]],
    ]),
    ['etcd, at the first http endpoint', [name, client]],
  ].map(([title, modules]) => ({ title, modules, figures: [] }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { modules, figures } of imports) figures.push(lastImportMs(app, modules));
  }
  printTable(
    `time to import, median of ${ROUNDS} processes, Node ${process.versions.node}`,
    imports.map(({ title, figures }) => [title, `${rounded(median(figures))} ms`, '']),
  );
}

/** How long the last of some imports takes in a new process. */
function lastImportMs(app, modules) {
  return Number(execFileSync(process.execPath, ['importer.mjs', ...modules], { cwd: app, encoding: 'utf8' }));
}

function printTable(title, rows) {
  console.log(`\n${title}`);
  for (const [what, figure, note] of rows) console.log(`  ${what.padEnd(50)}${figure.padStart(10)}  ${note}`);
}

function bytesOf(packages) {
  return sum(packages.map(({ bytes }) => bytes));
}

function sum(numbers) {
  return numbers.reduce((total, one) => total + one, 0);
}

function kB(bytes) {
  return `${Math.round(bytes / 1000).toLocaleString('en')} kB`;
}
