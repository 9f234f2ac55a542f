import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as nextCheckPhase } from 'node:timers/promises';
import { callClock } from '../../../lib/store/clock.js';
import { setAnswerTimer } from '../../../lib/store/etcd/answer-timer.js';
import { block } from '../../support/block.js';

it('gives up when no answer has come', async () => {
  const startedAt = performance.now();
  await new Promise<void>((resolve) => setAnswerTimer(callClock, 20, resolve));
  expect(performance.now() - startedAt).toBeGreaterThan(15);
});

it('does not give up when it was cancelled', async () => {
  let hasGivenUp = false;
  const cancel = setAnswerTimer(callClock, 1, () => (hasGivenUp = true));
  cancel();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(hasGivenUp).toBe(false);
});

it('does not give up when an answer came while the event loop was blocked', async () => {
  const echo = spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] });
  echo.stdin.write('ready');
  await once(echo.stdout, 'data');
  // From here on timers come before what was received.
  await nextCheckPhase();
  const first = await new Promise<string>((resolve) => {
    const cancel = setAnswerTimer(callClock, 1, () => resolve('given up'));
    echo.stdout.once('data', () => {
      cancel();
      resolve('answered');
    });
    echo.stdin.write('answer');
    block(100);
  });
  expect(first).toBe('answered');
  echo.stdin.end();
  await once(echo, 'close');
});
