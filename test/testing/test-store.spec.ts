import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, jest } from '@jest/globals';
import { open } from '../../lib/kvi/open.js';
import { InvalidArgumentError } from '../../lib/store/errors.js';
import { TestStore } from '../../lib/testing/test-store.js';
import { RecordingLogger } from '../support/recording-logger.js';

const logger = new RecordingLogger();

it('has handles that share it, and nothing with another store', async () => {
  const store = new TestStore();
  const [one, two] = [await store.open({ logger }), await store.open({ logger })];
  const stranger = await new TestStore().open({ logger });
  await one.store('a', '1');
  expect(await two.get('a')).toBe('1');
  expect(await stranger.get('a')).toBeUndefined();
  expect(() => store.faultsOf(stranger)).toThrow(InvalidArgumentError);
  await Promise.all([one, two, stranger].map((kvi) => kvi.close()));
});

it('knows handles outside of it from its own', async () => {
  const kvi = await open('mem:', { logger });
  expect(() => new TestStore().faultsOf(kvi)).toThrow(/must be a handle of this store/);
  await kvi.close();
});

it('checks options, and follows them', async () => {
  const store = new TestStore();
  await expect(store.open({ sessionTtlSec: 0 })).rejects.toThrow(InvalidArgumentError);
  const kvi = await store.open({ logger, namespace: 'orders/' });
  await kvi.store('a', '1');
  const outside = await store.open({ logger });
  expect(await outside.get('orders/a')).toBe('1');
  await Promise.all([kvi.close(), outside.close()]);
});

it('goes on by itself: what waits for a moment gets there', async () => {
  const store = new TestStore();
  const [one, two] = [await store.open({ logger }), await store.open({ logger })];
  await one.lock('jobs');
  await expect(two.lock('jobs', { timeoutSec: 0.02 })).rejects.toThrow(/not acquired within 0.02 s/);
  await Promise.all([one.close(), two.close()]);
});

it('keeps a session alive however far time is moved', async () => {
  const store = new TestStore();
  const kvi = await store.open({ logger });
  const held = await kvi.lock('jobs');
  await store.clock.advance(3_600_000);
  expect(held.isHeld).toBe(true);
  await kvi.close();
});

it('shows a holder that was stopped its loss, before any timer has run', async () => {
  const store = new TestStore();
  const kvi = await store.open({ logger });
  const held = await kvi.lock('jobs');
  store.clock.skip(10_000);
  expect(held.isHeld).toBe(false);
  await kvi.close();
});

it('says what goes wrong on the console, and nothing else', async () => {
  const [log, error] = [
    jest.spyOn(console, 'log'),
    jest.spyOn(console, 'error').mockImplementation(() => {}),
  ];
  const store = new TestStore();
  const kvi = await store.open();
  await kvi.lock('jobs');
  await store.faults.loseLease();
  await kvi.close();
  expect(log).not.toHaveBeenCalled();
  expect(error).toHaveBeenCalledWith(expect.stringMatching(/^The lock 'jobs' was lost/));
  log.mockRestore();
  error.mockRestore();
});

it('lets a process end that has left everything open', async () => {
  const script = `
    const { TestStore } = require('nestjs-hmetcd/testing');
    (async () => {
      const kvi = await new TestStore().open();
      await kvi.lock('jobs');
      await kvi.tempKey('member');
      console.log('open');
    })();`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  const [code] = await once(child, 'close');
  expect([code, output]).toEqual([0, 'open\n']);
});
