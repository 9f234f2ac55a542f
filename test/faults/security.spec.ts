import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { open } from '../../lib/kvi/open.js';
import type { KviOptions } from '../../lib/kvi/options.js';
import { AuthenticationError, PermissionDeniedError, UnavailableError } from '../../lib/store/errors.js';
import { type Certificates, createCertificates } from '../support/etcd/certificates.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { connect } from '../etcd/support/connect.js';
import { Follower } from '../etcd/support/follower.js';

const ROOT = { username: 'root', password: 'root-secret-7' };
/** May read and write what begins with app/, and not the key that the library asks for to see whether one is there. */
const APP = { username: 'app', password: 'app-secret-7' };
/** It may not use the library's own keys but in a namespace of its own. */
const AS_APP = { auth: APP, retryableWrites: false };
const IN_NAMESPACE = { auth: APP, namespace: 'app/' };
const WRONG = 'wrong-secret-7';
const SECRETS = /secret-7|PRIVATE KEY/;

const CONNECT_MS = 3000;

async function enableAuth(etcd: EtcdServer): Promise<void> {
  await etcd.ctl('user', 'add', `${ROOT.username}:${ROOT.password}`);
  await etcd.ctl('user', 'grant-role', 'root', 'root');
  await etcd.ctl('role', 'add', 'app');
  await etcd.ctl('role', 'grant-permission', 'app', '--prefix=true', 'readwrite', 'app/');
  await etcd.ctl('user', 'add', `${APP.username}:${APP.password}`);
  await etcd.ctl('user', 'grant-role', 'app', 'app');
  await etcd.ctl('auth', 'enable');
}

function asRoot(etcd: EtcdServer, ...args: string[]): Promise<string> {
  return etcd.ctl('--user', `${ROOT.username}:${ROOT.password}`, ...args);
}

/** What opening ends with; it must end in time and tell no secret. */
async function failureOf(endpoint: string, options: KviOptions): Promise<Error> {
  const logger = new RecordingLogger();
  const start = performance.now();
  const failure = await open(endpoint, { connectTimeoutMs: CONNECT_MS, logger, ...options }).then(
    async (kvi) => {
      await kvi.close();
      throw new Error('it opened');
    },
    (error: Error) => error,
  );

  expect(performance.now() - start).toBeLessThan(CONNECT_MS + 1000);
  for (
    let error: Error | undefined = failure;
    error !== undefined;
    error = error.cause as Error | undefined
  ) {
    expect(`${error.message}\n${error.stack}`).not.toMatch(SECRETS);
  }
  expect(JSON.stringify(logger.lines)).not.toMatch(SECRETS);
  return failure;
}

describe('TLS', () => {
  let certificates: Certificates;
  let plain: EtcdServer;
  let secure: EtcdServer;
  let mutual: EtcdServer;
  beforeAll(async () => {
    certificates = await createCertificates();
    plain = await startEtcd();
    secure = await startEtcd({ tls: certificates.serverTls() });
    mutual = await startEtcd({ tls: certificates.serverTls({ mutual: true }) });
  }, 60_000);
  afterAll(async () => {
    for (const part of [plain, secure, mutual, certificates]) await part[Symbol.asyncDispose]();
  });

  it('is used with the CA that is given', async () => {
    await using connection = await connect(secure.endpoint, { tls: { ca: certificates.ca.cert } });
    await using follower = new Follower(connection.kvi, 'a');
    await connection.kvi.store('a', '1');
    await follower.reached('a');
    expect(await connection.kvi.get('a')).toBe('1');
  });

  it('shows the certificate that is given', async () => {
    const { ca, client } = certificates;
    await using connection = await connect(mutual.endpoint, {
      tls: { ca: ca.cert, cert: Buffer.from(client.cert), key: client.key },
    });
    await connection.kvi.store('a', '1');
    expect(await connection.kvi.get('a')).toBe('1');
  });

  it('refuses a server of another CA', async () => {
    const error = await failureOf(secure.endpoint, { tls: { ca: certificates.wrongCa.cert } });
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error.message).toMatch(/options\.tls/);
  });

  it('refuses a server of a private CA where none was given', async () => {
    expect(await failureOf(secure.endpoint, {})).toBeInstanceOf(AuthenticationError);
  });

  it.each(['none', "a stranger's"])(
    'tells that the server wants a certificate where it was shown %s',
    async (shown) => {
      const { ca, wrongClient } = certificates;
      const own = shown === 'none' ? {} : { cert: wrongClient.cert, key: wrongClient.key };
      const error = await failureOf(mutual.endpoint, { tls: { ca: ca.cert, ...own } });
      expect(error).toBeInstanceOf(AuthenticationError);
      expect(error.message).toMatch(/cert/);
    },
  );

  it('is told to be missing where the server has it and the endpoint does not say so', async () => {
    const error = await failureOf(secure.endpoint.replace('https', 'http'), {});
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error.message).toMatch(/begins with https/);
  });

  it('is told to be too much where the server has none', async () => {
    const error = await failureOf(plain.endpoint.replace('http', 'https'), {
      tls: { ca: certificates.ca.cert },
    });
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error.message).toMatch(/speaks TLS/);
  });
});

describe('user and password', () => {
  let etcd: EtcdServer;
  let unprotected: EtcdServer;
  beforeAll(async () => {
    etcd = await startEtcd();
    await enableAuth(etcd);
    unprotected = await startEtcd();
  }, 60_000);
  afterAll(async () => {
    await etcd.stop();
    await unprotected.stop();
  });

  it('let a user do what its role allows', async () => {
    await using connection = await connect(etcd.endpoint, IN_NAMESPACE);
    await using follower = new Follower(connection.kvi, 'a');
    await connection.kvi.store('a', '1');
    await follower.reached('a');
    expect(await connection.kvi.get('a')).toBe('1');
    await using lock = await connection.kvi.lock('l');
    expect(lock.isHeld).toBe(true);
  });

  it('do not open a handle whose writes could not be recorded', async () => {
    const error = await failureOf(etcd.endpoint, { auth: APP });
    expect(error).toBeInstanceOf(PermissionDeniedError);
    expect(error.message).toMatch(/retryableWrites: false/);
  });

  it('are refused when the password is wrong', async () => {
    const error = await failureOf(etcd.endpoint, { auth: { ...APP, password: WRONG } });
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error.message).toMatch(/options\.auth/);
  });

  it('are asked for where none were given', async () => {
    const error = await failureOf(etcd.endpoint, {});
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error.message).toMatch(/options\.auth/);
  });

  it('are refused where authentication is not enabled', async () => {
    const error = await failureOf(unprotected.endpoint, { auth: APP });
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error.message).toMatch(/not enabled/);
  });

  it('do not open a key that is denied', async () => {
    await using connection = await connect(etcd.endpoint, AS_APP);
    const { kvi } = connection;
    await expect(kvi.get('other')).rejects.toThrow(PermissionDeniedError);
    await expect(kvi.store('other', 'secret-7')).rejects.toThrow(PermissionDeniedError);
    await expect(kvi.store('other', 'secret-7')).rejects.not.toThrow(SECRETS);
    await kvi.store('app/a', '1');
  });

  it('deny one watch among a hundred, and the others deliver', async () => {
    await using connection = await connect(etcd.endpoint, AS_APP);
    const { kvi } = connection;
    const keys = Array.from({ length: 99 }, (_, index) => `app/watched/${index}`);
    const start = 1;
    const followers = keys.slice(0, 50).map((key) => new Follower(kvi, key, start));
    const denied = new Follower(kvi, 'other', start);
    followers.push(...keys.slice(50).map((key) => new Follower(kvi, key, start)));

    expect(await denied.failed()).toBeInstanceOf(PermissionDeniedError);
    await Promise.all(keys.map((key) => kvi.store(key, '')));
    await Promise.all(followers.map((follower, index) => follower.reached(keys[index]!)));
    expect(followers.map(({ changes }) => changes.map(({ key }) => key))).toEqual(keys.map((key) => [key]));
    for (const follower of followers) await follower[Symbol.asyncDispose]();
  });

  it('stay good when rights are changed under a connection', async () => {
    await using connection = await connect(etcd.endpoint, AS_APP);
    await using follower = new Follower(connection.kvi, 'app/rights');
    await asRoot(etcd, 'role', 'grant-permission', 'app', 'read', 'granted-later');
    expect(await connection.kvi.get('granted-later')).toBeUndefined();
    await connection.kvi.store('app/rights', '');
    await follower.reached('app/rights');
  });
});

describe('a token that says which rights there were', () => {
  it('is replaced when they are changed, for a watch as for a call', async () => {
    await using certificates = await createCertificates();
    const { certFile, keyFile } = certificates.server;
    const token = `--auth-token=jwt,pub-key=${certFile},priv-key=${keyFile},sign-method=RS256`;
    await using etcd = await startEtcd({ args: [token] });
    await enableAuth(etcd);
    await using connection = await connect(etcd.endpoint, AS_APP);
    const { kvi } = connection;
    await using early = new Follower(kvi, 'app/early');
    await kvi.store('app/early', '');
    await early.reached('app/early');
    await asRoot(etcd, 'role', 'grant-permission', 'app', 'read', 'later');
    await using late = new Follower(kvi, 'later');
    await asRoot(etcd, 'put', 'later', '');
    await late.reached('later');
    await asRoot(etcd, 'del', 'app/early');
    await poll('the deletion is seen', () => early.changes.length === 2 || undefined);
    await asRoot(etcd, 'role', 'grant-permission', 'app', 'read', 'later-still');

    expect(await kvi.get('later-still')).toBeUndefined();
    await kvi.store('app/early', '');
  }, 60_000);
});

describe('a token that expires', () => {
  it('during an outage is replaced, for calls, watches and the session, also of a user who may read little', async () => {
    await using etcd = await startEtcd({ args: ['--auth-token-ttl=1'] });
    await enableAuth(etcd);
    await using connection = await connect(etcd.endpoint, {
      ...IN_NAMESPACE,
      requestTimeoutMs: 1500,
      sessionTtlSec: 15,
    });
    const { kvi, logger } = connection;
    await using follower = new Follower(kvi, { prefix: 'app/k/' });
    await using lock = await kvi.lock('app/lock');
    await kvi.store('app/k/before', '');
    await follower.reached('app/k/before');
    await etcd.kill();
    await expect(kvi.get('app/a')).rejects.toThrow(UnavailableError);
    await etcd.restart();
    await poll('a call is answered', () =>
      kvi.store('app/k/after', '').then(
        () => true as const,
        () => undefined,
      ),
    );
    await follower.reached('app/k/after');
    // Two tokens' and more than a session's life.
    await delay(16_000);

    expect(lock.isHeld).toBe(true);
    await kvi.store('app/k/later', '');
    await follower.reached('app/k/later');
    expect(follower.failure).toBeUndefined();
    expect(logger.at('error')).toEqual([]);
    expect(JSON.stringify(logger.lines)).not.toMatch(SECRETS);
  }, 60_000);

  it('while nothing is called is replaced when it is needed', async () => {
    await using etcd = await startEtcd({ args: ['--auth-token-ttl=1'] });
    await enableAuth(etcd);
    await using connection = await connect(etcd.endpoint, IN_NAMESPACE);
    const { kvi } = connection;
    await using first = new Follower(kvi, 'app/first');
    await kvi.store('app/first', '');
    await first.reached('app/first');
    await delay(3000);
    await using second = new Follower(kvi, 'app/second');
    await delay(3000);
    await kvi.store('app/second', '');
    await kvi.delete('app/first');
    await second.reached('app/second');
    await poll('the deletion is seen', () => first.changes.length === 2 || undefined);

    expect(first.changes.map(({ op }) => op)).toEqual([1, 2]);
    expect(second.changes.map(({ op }) => op)).toEqual([1]);
  }, 60_000);
});
