import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { allBlocks, documents, ROOT } from './support/documents.js';

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly scripts: Record<string, string>;
};

const scriptsIn = (text: string): string[] =>
  Array.from(
    text.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g),
    ([, script, short]) => script ?? short!,
  );

const filesIn = (text: string): string[] =>
  Array.from(text.matchAll(/\b(?:node|bash) ([\w.][\w./-]*)/g), ([, path]) => path!);

/** What is compiled is not there in a fresh checkout. */
const sourceOf = (path: string): string => path.replace(/^sample\/dist\/(.*)\.js$/, 'sample/$1.ts');

describe('commands in the documentation', () => {
  const shells = allBlocks().filter(({ language }) => language === 'sh');

  it.each(shells.map(({ place, text }) => [place, text]))('%s can be read by a shell', (_place, text) => {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  // Some stand in the text, and in no block.
  it.each(documents().map(({ path, text }) => [path, text]))('%s names what exists', (_path, text) => {
    expect(scriptsIn(text).filter((name) => !(name in scripts))).toEqual([]);
    expect(filesIn(text).filter((path) => !existsSync(join(ROOT, sourceOf(path))))).toEqual([]);
  });

  it('are found', () => {
    const text =
      'Run `npm run bench -- --quick`, npm test, or `node sample/dist/main.js`; not `node --version`.';
    expect(scriptsIn(text)).toEqual(['bench', 'test']);
    expect(filesIn(text).map(sourceOf)).toEqual(['sample/main.ts']);
  });
});
