import { AsyncLocalStorage } from 'node:async_hooks';
import { execFile } from 'node:child_process';
import { channel, tracingChannel } from 'node:diagnostics_channel';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { announce, traced } from '../../lib/store/channels.js';

interface Message {
  readonly about: string;
  error?: unknown;
}

const tracing = tracingChannel<unknown, Message>('nestjs-hmetcd:test');
const message = (): Message => ({ about: 'a test' });

/** Runs something while all parts of the channel are written down, with the keys that the message had then. */
async function partsOf(run: () => Promise<unknown>): Promise<string[]> {
  const parts: string[] = [];
  const write = (part: string) => (told: object) => void parts.push(`${part}: ${Object.keys(told).join()}`);
  const listeners = {
    start: write('start'),
    end: write('end'),
    asyncStart: write('asyncStart'),
    asyncEnd: write('asyncEnd'),
    error: write('error'),
  };
  tracing.subscribe(listeners);
  await run();
  tracing.unsubscribe(listeners);
  return parts;
}

describe('what is traced', () => {
  it('is told from its beginning to its end, and its result stays out', async () => {
    const parts = await partsOf(async () => {
      expect(await traced(tracing, message(), async () => 'secret')).toBe('secret');
    });
    expect(parts).toEqual(['start: about', 'end: about', 'asyncStart: about', 'asyncEnd: about']);
  });

  it.each([
    [
      'rejects',
      async (error: Error): Promise<never> => {
        throw error;
      },
    ],
    [
      'throws at once',
      (error: Error): Promise<never> => {
        throw error;
      },
    ],
  ])('and %s does so unchanged, and tells why', async (_how, fail) => {
    const error = new Error('no');
    const told = message();
    const parts = await partsOf(async () => {
      await expect(traced(tracing, told, () => fail(error))).rejects.toBe(error);
    });
    expect(parts).toEqual([
      'start: about',
      'end: about',
      'error: about,error',
      'asyncStart: about,error',
      'asyncEnd: about,error',
    ]);
    expect(told.error).toBe(error);
  });

  it('runs with the store that is bound to its beginning, over every wait, and nothing after it does', async () => {
    const storage = new AsyncLocalStorage<unknown>();
    tracing.start.bindStore(storage, ({ about }) => about);
    const inside = await traced(tracing, message(), async () => {
      await Promise.resolve();
      return storage.getStore();
    });
    tracing.start.unbindStore(storage);
    expect(inside).toBe('a test');
    expect(storage.getStore()).toBeUndefined();
  });

  it('has begun when `traced` returns: calls keep their order', () => {
    let hasBegun = false;
    void traced(tracing, message(), async () => {
      hasBegun = true;
    });
    expect(hasBegun).toBe(true);
  });
});

it('A message is made only for who listens', () => {
  const plain = channel('nestjs-hmetcd:test.plain');
  let made = 0;
  const make = (): object => ({ made: ++made });
  announce(plain, make);
  expect(made).toBe(0);
  const heard: unknown[] = [];
  const listener = (told: unknown): void => void heard.push(told);
  plain.subscribe(listener);
  announce(plain, make);
  plain.unsubscribe(listener);
  expect(heard).toEqual([{ made: 1 }]);
});

/** Jest has its own ways with what nobody catches. */
const LISTENER_THREW = fileURLToPath(new URL('support/listener-threw.mjs', import.meta.url));

it('A listener that throws breaks no call: Node tells of it as of any error that nobody catches', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [LISTENER_THREW]);
  expect(JSON.parse(stdout)).toEqual({
    value: '1',
    uncaught: ['start', 'end', 'asyncStart', 'asyncEnd'].map((part) => `listener of ${part}`),
  });
});
