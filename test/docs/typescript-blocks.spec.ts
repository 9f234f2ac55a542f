import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { allBlocks, type CodeBlock } from './support/documents.js';
import * as given from './support/given.js';
import { type BlockFile, compile, removeBlocks, writeBlocks } from './support/typescript-block.js';

const blocks = allBlocks().filter(({ language }) => language === 'ts');

let files: BlockFile[];

beforeAll(() => {
  files = writeBlocks(blocks, Object.keys(given));
});

afterAll(async () => {
  removeBlocks();
  await given.closeGiven();
});

it('compile, as they would for a user of the built package', () => {
  expect(files.length).toBeGreaterThan(0);
  expect(compile(files)).toEqual([]);
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** Why a block cannot be run by being loaded. */
function elsewhere({ text }: CodeBlock): string | undefined {
  if (/from '@jest\/globals'/.test(text)) return 'a test: Jest runs it, see examples.spec.ts';
  if (/from 'node:diagnostics_channel'/.test(text)) {
    return 'it listens for as long as the process lives, which has other tests: readme.spec.ts runs it';
  }
  return undefined;
}

describe('runs:', () => {
  const loadable = blocks.filter((block) => elsewhere(block) === undefined);

  it.each(loadable.map(({ place }) => place))('%s', async (place) => {
    jest.spyOn(console, 'log').mockImplementation(() => {});
    const { path } = files.find(({ block }) => block.place === place)!;
    await expect(import(path)).resolves.toBeDefined();
  });
});
