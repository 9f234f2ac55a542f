import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, normalize, relative, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as publicSurface from '../lib/index.js';
import * as terminusSurface from '../lib/terminus/index.js';

const LIB = resolve(import.meta.dirname, '../lib');

/** What a floor may import: the floors of this library, itself included, and packages beside Node's own. */
const FLOORS: Record<string, { floors: string[]; packages: string[] }> = {
  store: { floors: ['store'], packages: ['sorted-btree', 'etcd3', '@grpc/grpc-js', 'protobufjs'] },
  kvi: { floors: ['kvi', 'store'], packages: [] },
  opentelemetry: {
    floors: ['opentelemetry', 'kvi', 'store'],
    packages: ['@opentelemetry/api'],
  },
  nest: {
    floors: ['nest', 'kvi', 'store'],
    packages: ['@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs'],
  },
  terminus: {
    floors: ['terminus', 'nest', 'kvi', 'store'],
    packages: ['@nestjs/common', '@nestjs/core', '@nestjs/terminus'],
  },
  testing: { floors: ['testing', 'nest', 'kvi', 'store'], packages: ['@nestjs/common', '@nestjs/core'] },
};

interface Import {
  readonly file: string;
  readonly from: string;
}

/** Every import of a floor, `import type` and `import()` included. */
function importsOf(floor: string): Import[] {
  return readdirSync(join(LIB, floor), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(floor, name))
    .flatMap((file) => importsIn(readFileSync(join(LIB, file), 'utf8')).map((from) => ({ file, from })));
}

function importsIn(source: string): string[] {
  const code = source.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
  const specifiers = code.matchAll(/(?:(?<!\.)\bfrom|\bimport|\brequire)\s*\(?\s*(['"])(?<from>[^'"]+)\1/g);
  return Array.from(specifiers, (match) => match.groups!['from']!);
}

/** The floor that a relative import leads to; undefined for a package. */
function floorOf({ file, from }: Import): string | undefined {
  if (!from.startsWith('.')) return undefined;
  const target = relative(LIB, normalize(join(LIB, dirname(file), from)));
  return target.split(/[\\/]/)[0];
}

const packageOf = (from: string): string => from.split('/', from.startsWith('@') ? 2 : 1).join('/');

describe('lib', () => {
  it.each(Object.entries(FLOORS))('%s imports only what lies below it', (floor, allowed) => {
    const imports = importsOf(floor);
    expect(imports.length).toBeGreaterThan(0);
    const forbidden = imports.filter((one) => {
      const target = floorOf(one);
      if (target !== undefined) return !allowed.floors.includes(target);
      return !isBuiltin(one.from) && !allowed.packages.includes(packageOf(one.from));
    });
    expect(forbidden).toEqual([]);
  });

  it('uses etcd3 in the etcd store alone', () => {
    const users = Object.keys(FLOORS)
      .flatMap(importsOf)
      .filter(({ from }) => packageOf(from) === 'etcd3')
      .map(({ file }) => file);
    expect(users.filter((file) => !file.startsWith(join('store', 'etcd')))).toEqual([]);
  });

  it('exports its public surface and nothing else', () => {
    expect(Object.keys(publicSurface).sort()).toEqual(
      [
        'open',
        'HmEtcdModule',
        'KviService',
        'InjectKvi',
        'getKviToken',
        'DistLocked',
        'currentLock',
        'OnKeyChange',
        'OnElected',
        'OnDeposed',
        'FromKey',
        'KeyChangeOp',
        'PUT',
        'DELETE',
        'KVC_KEYCHANGE_INVAL',
        'KVC_KEYCHANGE_PUT',
        'KVC_KEYCHANGE_DELETE',
        'HmEtcdError',
        'InvalidArgumentError',
        'UnavailableError',
        'RequestTimeoutError',
        'RevisionOverflowError',
        'StoreReplacedError',
        'OutcomeUnknownError',
        'PermissionDeniedError',
        'AuthenticationError',
        'LockTimeoutError',
        'LockLostError',
        'CompactedError',
        'ClosedError',
      ].sort(),
    );
  });

  it('exports its indicator of health, apart', () => {
    expect(Object.keys(terminusSurface)).toEqual(['HmEtcdHealthIndicator']);
  });

  it('names each export: one by `export *` would not be seen in a review', () => {
    const index = readFileSync(join(LIB, 'index.ts'), 'utf8');
    expect(index).not.toMatch(/export\s*\*/);
    expect(index).not.toMatch(/export\s+default/);
  });
});

describe('The reading of imports', () => {
  it('sees every form, and no comment', () => {
    const source = [
      "import { a } from './a.js';",
      "import type { b } from './b.js';",
      "import './c.js';",
      "export { d } from './d.js';",
      "const e = await import('./e.js');",
      'import {\n  f,\n} from "./f.js";',
      "// import { x } from './x.js';",
      "/** import { y } from './y.js'; */",
    ].join('\n');
    expect(importsIn(source)).toEqual(['./a.js', './b.js', './c.js', './d.js', './e.js', './f.js']);
  });
});
