import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { KviService } from 'nestjs-hmetcd';
import { createCertificates } from '../support/etcd/certificates.js';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { closeConfigured, refusalOf, startConfigured } from './support/configured.js';

const PASSWORD = 'secret-7';

afterEach(closeConfigured);

it('reaches an etcd that wants a certificate and a password, with what the files hold', async () => {
  await using certificates = await createCertificates();
  await using etcd = await startEtcd({ tls: certificates.serverTls({ mutual: true }) });
  await etcd.ctl('user', 'add', `root:${PASSWORD}`);
  await etcd.ctl('user', 'grant-role', 'root', 'root');
  await etcd.ctl('auth', 'enable');
  const passwordFile = join(etcd.folder, 'password');
  await writeFile(passwordFile, `${PASSWORD}\n`);
  const env = {
    HMETCD_ENDPOINT: etcd.endpoint,
    HMETCD_CA_FILE: certificates.ca.certFile,
    HMETCD_CERT_FILE: certificates.client.certFile,
    HMETCD_KEY_FILE: certificates.client.keyFile,
    HMETCD_USERNAME: 'root',
    HMETCD_PASSWORD_FILE: passwordFile,
  };

  const kvi = (await startConfigured(env)).get(KviService);
  await kvi.store('key', 'value');
  expect(await kvi.get('key')).toBe('value');

  await writeFile(passwordFile, 'another-7');
  const error = await refusalOf(env);
  expect(error.name).toBe('AuthenticationError');
  expect(error.message).not.toMatch(/-7/);
});
