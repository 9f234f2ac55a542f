import { expect, it } from '@jest/globals';
import { unfailing } from '../../lib/kvi/unfailing-logger.js';

it.each([
  [
    'throws',
    () => {
      throw new Error('full');
    },
  ],
  [
    'promises and fails',
    async () => {
      throw new Error('full');
    },
  ],
] as [string, () => void][])('goes on when the logger %s', async (_title, write) => {
  const rejected: unknown[] = [];
  const note = (error: unknown): void => void rejected.push(error);
  process.on('unhandledRejection', note);
  const logger = unfailing({ debug: write, log: write, warn: write, error: write });
  for (const level of ['debug', 'log', 'warn', 'error'] as const) logger[level]('a line');
  await new Promise((resolve) => setTimeout(resolve));
  process.off('unhandledRejection', note);
  expect(rejected).toEqual([]);
});
