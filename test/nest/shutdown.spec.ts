import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { isOfAge } from '../support/recording-logger.js';
import { newStore } from './support/stores.js';

const script = fileURLToPath(new URL('./fixtures/shutdown.mjs', import.meta.url));
const built = fileURLToPath(new URL('../../dist/esm/index.js', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
  /** From the line `closed` until the process was gone. */
  readonly lingeredMs: number;
}

/** Runs the script until it ends by itself; one that does not is killed after 60 s, which `signal` then tells. */
async function run(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [script, JSON.stringify(newStore()), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  let output = '';
  let closedAt = NaN;
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
    if (Number.isNaN(closedAt) && /^closed$/m.test(output)) closedAt = performance.now();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      resolve({ code, signal, output, lingeredMs: performance.now() - closedAt });
    });
  });
}

describe('a process whose application was closed with everything under way', () => {
  beforeAll(() => {
    if (!existsSync(built)) throw new Error('This test runs on the built package: npm run build');
  });

  it('ends by itself, after all has finished', async () => {
    const { code, signal, output, lingeredMs } = await run();
    expect({ code, signal, output }).toMatchObject({ code: 0, signal: null });
    expect(lingeredMs).toBeLessThan(10_000);
    const lines = output
      .trim()
      .split('\n')
      .filter((line) => !isOfAge(line));
    const closedAt = lines.indexOf('closed');
    expect(lines.slice(0, closedAt).toSorted()).toEqual([
      'callback done',
      'handler done',
      'job done',
      'request done',
      'watch ended with ClosedError',
    ]);
    expect(lines.slice(closedAt + 1)).toEqual(['request: answered']);
  }, 90_000);

  it('ends by itself also when what was under way outlasted shutdownTimeoutMs, and names it', async () => {
    const { code, signal, output, lingeredMs } = await run('overrun');
    expect({ code, signal, output }).toMatchObject({ code: 0, signal: null });
    expect(lingeredMs).toBeLessThan(10_000);
    expect(output).toMatch(/Service\.changed/);
    expect(output).toMatch(/Service\.job/);
    expect(output).not.toMatch(/unhandled/i);
  }, 90_000);
});
