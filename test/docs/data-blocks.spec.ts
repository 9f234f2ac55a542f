import { describe, expect, it } from '@jest/globals';
import { format } from 'prettier';
import { allBlocks } from './support/documents.js';

const blocks = allBlocks();

/** Those that a test of this folder looks into. */
const KNOWN = ['ts', 'sh', 'json', 'yaml'];

it('every block says its language, and it is one that is tested', () => {
  const unknown = blocks.filter(({ language }) => !KNOWN.includes(language));
  expect(unknown.map(({ place, language }) => `${place} ${language}`)).toEqual([]);
});

describe('data in the documentation', () => {
  const data = blocks.filter(({ language }) => language === 'json' || language === 'yaml');

  it.each(data.map((block) => [block.place, block] as const))('%s can be parsed', async (_place, block) => {
    if (block.language === 'json') JSON.parse(block.text);
    expect(await format(block.text, { parser: block.language })).not.toBe('');
  });
});
