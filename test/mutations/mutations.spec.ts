import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from '@jest/globals';
import { type Edit, mutations } from './mutations.mjs';

const ROOT = resolve(import.meta.dirname, '../..');

/** That each is noticed takes minutes, and is not a part of CI: `npm run test:mutations`. */
it.each(mutations)('finds what it breaks: $name', ({ edits }) => {
  expect(edits.length).toBeGreaterThan(0);
  const missing = edits.filter(({ file, piece }: Edit) => {
    const parts = readFileSync(resolve(ROOT, file), 'utf8').split(piece);
    return parts.length !== 2;
  });
  expect(missing).toEqual([]);
});
