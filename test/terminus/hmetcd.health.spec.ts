import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { HmEtcdModule } from '../../lib/nest/hmetcd.module.js';
import { KviService } from '../../lib/nest/kvi.service.js';
import { getKviToken } from '../../lib/nest/kvi.tokens.js';
import { InvalidArgumentError, UnavailableError } from '../../lib/store/errors.js';
import { NO_HEALTH, NO_SUCH_CONNECTION } from '../../lib/terminus/hmetcd.health.messages.js';
import { HmEtcdHealthIndicator, type HmEtcdHealthOptions } from '../../lib/terminus/index.js';
import { closeAll } from '../nest/support/apps.js';
import { type HttpApp, startHttp } from '../nest/support/http.js';
import { BreakableWatches } from '../support/breakable-watches.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { Workbench } from '../support/workbench.js';
import { askHealth, withHealth } from './health-app.js';

const TTL_MS = 10_000;

function connection(name?: string) {
  return HmEtcdModule.forRoot({ name, endpoint: `mem:${randomUUID()}`, logger: new RecordingLogger() });
}

/** An application whose connection is something else. */
function startWith(stand: unknown, checks?: Record<string, HmEtcdHealthOptions>): Promise<HttpApp> {
  return startHttp(withHealth([connection()], checks), (builder) =>
    builder.overrideProvider(KviService).useValue(stand),
  );
}

describe('GET /health with the indicator', () => {
  afterEach(closeAll);

  it('answers 200 while the connection is healthy, with what was found', async () => {
    const { fetch } = await startHttp(withHealth([connection()]));
    const { status, body } = await askHealth(fetch);
    expect(status).toBe(200);
    expect(body.status).toBe('ok');
    expect(body.details).toEqual({
      etcd: {
        status: 'up',
        state: 'healthy',
        members: [
          {
            endpoint: expect.stringMatching(/^mem:/),
            isReachable: true,
            hasLeader: true,
            read: 'answered',
            alarms: [],
          },
        ],
        session: { state: 'none' },
        watchesBehindMs: 0,
      },
    });
  });

  it('tells of each connection by its name', async () => {
    const checks = { main: undefined, bills: { connection: 'billing' } };
    const { app, fetch } = await startHttp(withHealth([connection(), connection('billing')], checks));
    expect((await askHealth(fetch)).body).toMatchObject({
      info: { main: { status: 'up' }, bills: { status: 'up' } },
    });
    await app.get<KviService>(getKviToken('billing')).close();
    const { status, body } = await askHealth(fetch);
    expect(status).toBe(503);
    expect(body).toMatchObject({
      info: { main: { status: 'up' } },
      error: { bills: { status: 'down', state: 'closed', message: expect.stringMatching(/closed/) } },
    });
  });

  it('finds a connection that is not global, and of which the module of the health check knows nothing', async () => {
    @Module({
      imports: [
        HmEtcdModule.forRoot({
          endpoint: `mem:${randomUUID()}`,
          isGlobal: false,
          logger: new RecordingLogger(),
        }),
      ],
    })
    class Orders {}
    const { fetch } = await startHttp(withHealth([{ module: Orders }]));
    expect((await askHealth(fetch)).status).toBe(200);
  });

  it('can be injected into an indicator of one’s own, by whoever imports Terminus', async () => {
    @Injectable()
    class Own {
      constructor(readonly etcd: HmEtcdHealthIndicator) {}
    }
    const module = await Test.createTestingModule({
      imports: [connection(), TerminusModule],
      providers: [Own, HmEtcdHealthIndicator],
    }).compile();
    expect(await module.get(Own).etcd.isHealthy('store')).toMatchObject({ store: { status: 'up' } });
    await module.close();
  });

  it('answers 503 while a session is at risk, and 200 when it is not', async () => {
    const bench = new Workbench();
    const { kvi, store } = bench.open();
    const { fetch } = await startWith(kvi);
    await kvi.lock('jobs');
    store.intercept('leaseKeepAlive', () => Promise.reject(new UnavailableError('down')));
    await bench.clock.advance(TTL_MS * 0.75);
    const { status, body } = await askHealth(fetch);
    expect(status).toBe(503);
    expect(body.error).toMatchObject({
      etcd: {
        state: 'session-at-risk',
        message: expect.stringMatching(/lost in 1500 ms/),
        session: { state: 'at-risk', lostInMs: 1500 },
      },
    });
    store.intercept('leaseKeepAlive', undefined);
    await bench.clock.advance(500);
    expect((await askHealth(fetch)).status).toBe(200);
    await bench.dispose();
  });

  it('answers 503 while watches are behind for longer than they may, each check by its own measure', async () => {
    const bench = new Workbench();
    const { kvi, store } = bench.open();
    const checks = { patient: { watchesBehindMs: 60_000 }, usual: {} };
    const { fetch } = await startWith(kvi, checks);
    const line = new BreakableWatches(store);
    await kvi.observe({ prefix: '' });
    line.cut();
    await bench.clock.advance(6000);
    const { status, body } = await askHealth(fetch);
    expect(status).toBe(503);
    expect(body).toMatchObject({
      info: { patient: { status: 'up', watchesBehindMs: expect.any(Number) } },
      error: { usual: { state: 'watches-behind', message: expect.stringMatching(/cut off for \d+ ms/) } },
    });
    line.mend();
    await bench.clock.advance(10_000);
    expect((await askHealth(fetch)).status).toBe(200);
    await bench.dispose();
  });

  it.each([
    ['knows nothing of it', { get: async () => 'value' }],
    ['answers nothing', { health: async () => undefined }],
    ['answers something else', { health: () => true }],
    ['has something else there', { health: null }],
  ])('says so, with 503, when the connection is a mock that %s', async (_what, mock) => {
    const { fetch } = await startWith(mock);
    const { status, body } = await askHealth(fetch);
    expect(status).toBe(503);
    expect(body.error).toEqual({ etcd: { status: 'down', message: NO_HEALTH(undefined) } });
  });

  it('takes the word of a mock that has a health', async () => {
    const asked: unknown[] = [];
    let health: object = { status: 'healthy' };
    const mock: Partial<Kvi> = {
      health: async (options) => {
        asked.push(options);
        return health as never;
      },
    };
    const { fetch } = await startWith(mock, { etcd: { timeoutMs: 50, watchesBehindMs: 0 } });
    expect((await askHealth(fetch)).body.info).toEqual({ etcd: { status: 'up', state: 'healthy' } });
    health = { status: 'no-quorum', reason: 'so it says' };
    expect(await askHealth(fetch)).toMatchObject({
      status: 503,
      body: { error: { etcd: { state: 'no-quorum', message: 'so it says' } } },
    });
    expect(asked).toEqual([
      { timeoutMs: 50, watchesBehindMs: 0 },
      { timeoutMs: 50, watchesBehindMs: 0 },
    ]);
  });
});

describe('isHealthy', () => {
  async function indicator(): Promise<HmEtcdHealthIndicator> {
    const providers = [HealthIndicatorService, HmEtcdHealthIndicator];
    const module = await Test.createTestingModule({ providers }).compile();
    return module.get(HmEtcdHealthIndicator);
  }

  it.each([
    [{ timeoutMs: -1 }, /options\.timeoutMs .*-1/],
    [{ watchesBehindMs: Number.NaN }, /options\.watchesBehindMs .*NaN/],
    [{ connection: '' }, /options\.connection must be a non-empty string/],
    [{ name: 'billing' }, /options\.name is not an option; known are connection, timeoutMs, watchesBehindMs/],
    [null, /options must be an object/],
  ])('refuses %j', async (options, message) => {
    const refused = (await indicator()).isHealthy('etcd', options as never);
    await expect(refused).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(refused).rejects.toThrow(message);
  });

  it.each([[undefined], ['billing']])('refuses a connection that nobody defines: %s', async (name) => {
    const refused = (await indicator()).isHealthy('etcd', { connection: name });
    await expect(refused).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(refused).rejects.toThrow(NO_SUCH_CONNECTION(name));
  });
});
