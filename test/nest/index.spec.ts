import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import * as index from '../../lib/index.js';

// What is exported is written down in the reports of test/api.

it('exports nothing that is not named', () => {
  expect(readFileSync(new URL('../../lib/index.ts', import.meta.url), 'utf8')).not.toContain('*');
});

it('has the numbers of the original', () => {
  expect([index.KVC_KEYCHANGE_INVAL, index.KVC_KEYCHANGE_PUT, index.KVC_KEYCHANGE_DELETE]).toEqual([0, 1, 2]);
});
