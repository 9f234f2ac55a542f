import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { allBlocks, documents, ROOT } from './support/documents.js';

const blocks = allBlocks();
const files = (folder: string, ending: string): string[] =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));

const isTest = (text: string): boolean => /from '@jest\/globals'/.test(text);

describe('what is tested beside the documentation', () => {
  const examples = ['test/readme', 'test/recipes']
    .flatMap((folder) => files(folder, '.ts'))
    .filter((path) => !path.endsWith('.spec.ts'));

  it.each(examples)('stands in it word for word: %s', (path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    expect(blocks.map((block) => block.text)).toContain(text);
  });
});

describe('the documentation', () => {
  const specs = ['test/readme', 'test/recipes']
    .flatMap((folder) => files(folder, '.spec.ts'))
    .map((path) => readFileSync(join(ROOT, path), 'utf8'));

  it('shows no test that Jest does not run', () => {
    const shown = blocks.filter(({ language, text }) => language === 'ts' && isTest(text));
    expect(shown.filter(({ text }) => !specs.includes(text)).map(({ place }) => place)).toEqual([]);
  });
});

describe('the recipes', () => {
  const recipes = readdirSync(join(ROOT, 'sample/recipes'));
  const specs = files('test/recipes', '.spec.ts').map((path) =>
    basename(path).replace(/(\.etcd)?\.spec\.ts$/, ''),
  );
  const readme = documents()[0]!.text;

  it.each(recipes)('%s is in the README and has a test', (name) => {
    expect(readme).toContain(`(sample/recipes/${name})`);
    expect(specs).toContain(name.replace(/\.(ts|md)$/, ''));
  });
});
