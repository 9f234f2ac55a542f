import { randomUUID } from 'node:crypto';
import { unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { expect, it, jest } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { HmEtcdModule, KviService, open } from 'nestjs-hmetcd';
import { RecordingLogger } from '../support/recording-logger.js';
import { Limiter } from './from-key.js';
import { HealthController, HealthModule } from './health.js';
import { everyFunction } from './interface.js';
import { Dispatcher } from './leader.js';
import { AppModule, Reports } from './quick-start.js';

// That these examples stand in the README as they are here is tested with all of its blocks, in test/docs.

it('has telemetry that does what it says', async () => {
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
  const written = jest.spyOn(console, 'log').mockImplementation(() => {});
  const { stopRecording, tellLoss } = await import('./telemetry.js');
  const endpoint = `mem:${randomUUID()}`;
  const kvi = await open(endpoint, { logger: new RecordingLogger() });
  const lock = await kvi.lock('billing');
  await kvi.delete(lock.key);
  while (lock.isHeld) await setImmediate();
  stopRecording();
  unsubscribe('tracing:nestjs-hmetcd:lock.hold:error', tellLoss);
  await kvi.close();
  trace.disable();
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['lock.wait', 'delete', 'lock.hold']);
  expect(written.mock.calls).toEqual([
    [`The lock 'billing' was lost, granted with the token ${lock.fencingToken}.`],
  ]);
  written.mockRestore();
});

it('names every channel, and the type of its messages', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const types = [
    ...readFileSync(new URL('../../lib/index.ts', import.meta.url), 'utf8').matchAll(/\w+Message\b/g),
  ];
  expect(types.length).toBeGreaterThan(10);
  for (const [type] of types) expect(readme).toContain(`\`${type}\``);
});

it('has a leader of which there is one', async () => {
  const endpoint = `mem:${randomUUID()}`;
  const startReplica = async () => {
    const imports = [HmEtcdModule.forRoot({ endpoint, logger: new RecordingLogger() })];
    const testing = await Test.createTestingModule({ imports, providers: [Dispatcher] }).compile();
    return testing.init();
  };
  const replicas = [await startReplica(), await startReplica()] as const;
  const [first, second] = replicas.map((app) => app.get(Dispatcher)) as [Dispatcher, Dispatcher];
  while (!first.leads) await setImmediate();
  const kvi = replicas[1].get(KviService);
  while ((await kvi.get('dispatch/round')) === undefined) await setImmediate();
  expect(second.leads).toBe(false);
  await replicas[0].close();
  while (!second.leads) await setImmediate();
  expect(first.leads).toBe(false);
  await replicas[1].close();
});

it('has a quick start that does what it says', async () => {
  const testing = await Test.createTestingModule({ imports: [AppModule] }).compile();
  testing.useLogger(false);
  const app = await testing.init();
  const reports = app.get(Reports);
  expect(await Promise.all([reports.writeNext(), reports.writeNext()])).toEqual([1, 2]);
  await app.get(KviService).store('config/rows-per-report', '5');
  while (reports.rowsPerReport === 100) await setImmediate();
  expect(reports.rowsPerReport).toBe(5);
  await app.close();
});

it('has a value of a key that does what it says', async () => {
  const written = jest.spyOn(console, 'log').mockImplementation(() => {});
  const testing = await Test.createTestingModule({
    imports: [HmEtcdModule.forRoot({ endpoint: `mem:${randomUUID()}`, logger: new RecordingLogger() })],
    providers: [Limiter],
  }).compile();
  const app = await testing.init();
  const limiter = app.get(Limiter);
  expect(limiter.rowsPerReport).toBe(100);
  await app.get(KviService).store('config/limits', '{"rowsPerReport": 0}');
  await app.get(KviService).store('config/limits', '{"rowsPerReport": 5}');
  while (limiter.rowsPerReport === 100) await setImmediate();
  expect(limiter.rowsPerReport).toBe(5);
  expect(written.mock.calls).toEqual([['100 -> 5']]);
  written.mockRestore();
  await app.close();
});

it('has a health check that does what it says', async () => {
  const imports = [HmEtcdModule.forRoot({ endpoint: 'mem:', logger: new RecordingLogger() }), HealthModule];
  const testing = await Test.createTestingModule({ imports }).compile();
  testing.useLogger(false);
  const app = await testing.init();
  const controller = app.get(HealthController);
  expect(await controller.check()).toMatchObject({ status: 'ok', info: { etcd: { state: 'healthy' } } });
  await app.get(KviService).close();
  await expect(controller.check()).rejects.toMatchObject({
    status: 503,
    response: { error: { etcd: { state: 'closed', message: expect.stringMatching(/closed/) } } },
  });
  await app.close();
});

it('has an example for every function of the interface, and each does what its comment says', async () => {
  const written = jest.spyOn(console, 'log').mockImplementation(() => {});
  const kvi = await open(`mem:${randomUUID()}`, { logger: new RecordingLogger() });
  const functions = Object.getOwnPropertyNames(Object.getPrototypeOf(kvi)).filter(
    (name) => name !== 'constructor',
  );
  const example = readFileSync(new URL('./interface.ts', import.meta.url), 'utf8');
  for (const name of functions) expect(example).toContain(`kvi.${name}(`);
  await everyFunction(kvi);
  expect(written.mock.calls).toEqual([
    ['rack/x1', 'ready'],
    ['rack/x1: ready -> busy'],
    ['rack/x1 is ready'],
    [[['rack/x1', 'ready']]],
  ]);
  written.mockRestore();
});
