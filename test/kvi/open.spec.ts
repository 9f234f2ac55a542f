import { expect, it, jest } from '@jest/globals';
import { resolveKviOptions } from '../../lib/kvi/options.js';
import { MemoryDatabase } from '../../lib/store/memory/database.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import type { Store } from '../../lib/store/store.js';
import { RecordingLogger } from '../support/recording-logger.js';

const openStore = jest.fn<() => Promise<Store>>();
jest.unstable_mockModule('../../lib/kvi/open-store.js', () => ({ openStore }));
const { open } = await import('../../lib/kvi/open.js');
const { HmEtcdError } = await import('../../lib/store/errors.js');

it('gives up on a store that does not answer within connectTimeoutMs, and closes it when it comes after all', async () => {
  const store = new MemoryStore(new MemoryDatabase());
  let answer = (_store: Store): void => {};
  const closed = new Promise<void>((resolve) => {
    store.close = async () => resolve();
  });
  openStore.mockReturnValueOnce(
    new Promise((resolve) => {
      answer = resolve;
    }),
  );
  const error = await open('mem:late', { connectTimeoutMs: 20 }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(HmEtcdError);
  expect(error).toMatchObject({
    name: 'UnavailableError',
    message: expect.stringMatching(/mem:late.*20 ms/),
  });
  answer(store);
  await closed;
});

it('passes on why a store could not be opened', async () => {
  const reason = new Error('no');
  openStore.mockRejectedValueOnce(reason);
  await expect(open('mem:')).rejects.toBe(reason);
});

it('says in the log that it connected and closed', async () => {
  openStore.mockResolvedValueOnce(new MemoryStore(new MemoryDatabase()));
  const logger = new RecordingLogger();
  const kvi = await open('mem:logged', { logger });
  await kvi.close();
  expect(logger.at('log')).toEqual([
    expect.stringContaining('mem:logged'),
    expect.stringContaining('Closed'),
  ]);
});

it('fills in every default in one place', () => {
  expect(resolveKviOptions()).toEqual({
    namespace: '',
    connectTimeoutMs: 5000,
    requestTimeoutMs: 5000,
    retryableWrites: true,
    sessionTtlSec: 10,
    shutdownTimeoutMs: 10_000,
    lockName: 'hbtd_dist_lock',
    logger: expect.anything(),
  });
});

it('writes to the console where no logger is given', () => {
  const log = jest.spyOn(console, 'log').mockReturnValueOnce(undefined);
  resolveKviOptions().logger.log('Hello.');
  expect(log.mock.calls).toEqual([['Hello.']]);
});
