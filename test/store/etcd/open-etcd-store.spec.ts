import { expect, it } from '@jest/globals';
import { InvalidArgumentError } from '../../../lib/store/errors.js';
import { openEtcdStore } from '../../../lib/store/etcd/open-etcd-store.js';
import { RecordingLogger } from '../../support/recording-logger.js';

it('refuses certificates that are none, without a word of them', async () => {
  const tls = { cert: 'my secret', key: 'my secret' };
  const options = { tls, connectTimeoutMs: 50, requestTimeoutMs: 50, logger: new RecordingLogger() };
  const error = (await openEtcdStore(['https://127.0.0.1:1'], options).catch(
    (caught: unknown) => caught,
  )) as Error;
  expect(error).toBeInstanceOf(InvalidArgumentError);
  expect(error.message).toMatch(/^options\.tls must hold PEM texts/);
  expect(error.message).not.toContain('secret');
});
