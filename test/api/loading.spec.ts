import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { entryPoints } from './entry-points.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const SCRIPT = fileURLToPath(new URL('support/loading.mjs', import.meta.url));

/** The default of `npm` and of `node`, and what a CommonJS runner such as Jest takes. */
const BUILDS = ['nestjs-hmetcd', pathToFileURL(resolve(ROOT, 'dist/cjs/index.js')).href];

/** What is loaded for an http endpoint alone. */
const ETCD = /\/node_modules\/(etcd3|@grpc|protobufjs|@protobufjs)\/|\/dist\/\w+\/store\/etcd\//;

interface Loaded {
  readonly byImport: readonly string[];
  readonly byOpen: readonly string[];
}

async function loadedBy(specifier: string, ...endpoint: string[]): Promise<Loaded> {
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, specifier, ...endpoint], {
    cwd: ROOT,
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(stdout) as Loaded;
}

/** Those of the package's own files that lie below the folder of an entry point other than the main one. */
function entryPointsIn(urls: readonly string[]): string[] {
  const titles = entryPoints.map(({ title }) => title).filter((title) => title !== 'index');
  return titles.filter((title) => urls.some((url) => new RegExp(`/dist/\\w+/${title}/`).test(url)));
}

const ofEtcd = (urls: readonly string[]): string[] => urls.filter((url) => ETCD.test(url));

describe.each(BUILDS)('Importing %s', (specifier) => {
  it('loads no other entry point, and no etcd, which `mem:` needs neither', async () => {
    const { byImport, byOpen } = await loadedBy(specifier, 'mem:');
    expect(byImport.filter((url) => url.includes('/store/memory/'))).not.toEqual([]);
    expect(entryPointsIn([...byImport, ...byOpen])).toEqual([]);
    expect(ofEtcd([...byImport, ...byOpen])).toEqual([]);
  });

  it('loads the client of etcd when an http endpoint is opened', async () => {
    const { byImport, byOpen } = await loadedBy(specifier, 'http://127.0.0.1:1');
    expect(ofEtcd(byImport)).toEqual([]);
    for (const name of ['/etcd3/', '/@grpc/grpc-js/', '/protobufjs/', '/store/etcd/']) {
      expect(ofEtcd(byOpen).some((url) => url.includes(name))).toBe(true);
    }
  });
});

it.each(entryPoints)('Importing $specifier loads no entry point beside it, and no etcd', async (entry) => {
  const { byImport } = await loadedBy(entry.specifier);
  expect(entryPointsIn(byImport)).toEqual(entry.title === 'index' ? [] : [entry.title]);
  expect(ofEtcd(byImport)).toEqual([]);
});
