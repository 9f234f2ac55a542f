import {
  context,
  diag,
  DiagLogLevel,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  type HistogramMetricData,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { LockTimeoutError } from '../../lib/kvi/errors.js';
import { CompactedError, InvalidArgumentError, UnavailableError } from '../../lib/store/errors.js';
import {
  type HmEtcdInstrumentation,
  type HmEtcdInstrumentationOptions,
  instrumentHmEtcd,
} from '../../lib/opentelemetry/index.js';
import { callChannel } from '../../lib/kvi/channels.js';
import { tellEnd, tellFailure, tellStart, watchResumedChannel } from '../../lib/store/channels.js';
import { BreakableWatches } from '../support/breakable-watches.js';
import { Workbench } from '../support/workbench.js';

const contexts = new AsyncLocalStorageContextManager();
beforeAll(() => void context.setGlobalContextManager(contexts.enable()));
afterAll(() => context.disable());

/** Longer than any test: it is asked when it is to export. */
const NEVER_MS = 2 ** 30;

let bench: Workbench;
let spans: InMemorySpanExporter;
let tracerProvider: BasicTracerProvider;
let tracer: Tracer;
let metrics: InMemoryMetricExporter;
let meterProvider: MeterProvider;
let stop: HmEtcdInstrumentation;

beforeEach(() => {
  bench = new Workbench();
  spans = new InMemorySpanExporter();
  tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  tracer = tracerProvider.getTracer('the application');
  metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: NEVER_MS });
  meterProvider = new MeterProvider({ readers: [reader] });
  instrument();
});

afterEach(async () => {
  stop();
  await bench.dispose();
  await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()]);
});

/** Anew, with other options than those of most tests. */
function instrument(options: HmEtcdInstrumentationOptions = {}): void {
  stop?.();
  stop = instrumentHmEtcd({ tracerProvider, meterProvider, ...options });
}

function spansOf(name: string): ReadableSpan[] {
  return spans.getFinishedSpans().filter((span) => span.name === name);
}

async function metric(name: string): Promise<MetricData> {
  await meterProvider.forceFlush();
  const all = metrics
    .getMetrics()
    .at(-1)!
    .scopeMetrics.flatMap((scope) => scope.metrics);
  return all.find(({ descriptor }) => descriptor.name === name)!;
}

/** How much of what was recorded, by the attributes that differ. */
async function countsOf(name: string, ...attributes: string[]): Promise<[...unknown[], number][]> {
  const found = await metric(name);
  return found.dataPoints.map(({ attributes: own, value }) => [
    ...attributes.map((attribute) => own[attribute]),
    typeof value === 'number' ? value : (value as { count: number }).count,
  ]);
}

async function put(key: string): Promise<void> {
  await bench.foreign.txn({ success: [{ type: 'put', key, value: 'v' }] });
}

describe('the span of a call', () => {
  it("has the convention's name, kind and attributes, and neither key nor value", async () => {
    const { kvi } = bench.open();
    await kvi.store('secret/key', 'secret value');
    const [span] = spansOf('store');
    expect(span).toMatchObject({ kind: SpanKind.CLIENT, status: { code: SpanStatusCode.UNSET } });
    expect(span!.attributes).toEqual({ 'db.system.name': 'etcd', 'db.operation.name': 'store' });
    expect(span!.instrumentationScope.name).toBe('nestjs-hmetcd');
  });

  it('has the key where that is switched on, and still no value', async () => {
    instrument({ keys: true });
    const { kvi } = bench.open();
    await kvi.tas('secret/key', 'secret value', 'another secret value');
    await kvi.getPrefix('secret/');
    expect(spansOf('tas')[0]!.attributes).toEqual({
      'db.system.name': 'etcd',
      'db.operation.name': 'tas',
      'hmetcd.key': 'secret/key',
    });
    expect(spansOf('getPrefix')[0]!.attributes).toMatchObject({
      'hmetcd.key': 'secret/',
      'hmetcd.range_end': 'secret0',
    });
    expect(JSON.stringify(spans.getFinishedSpans().map(({ attributes }) => attributes))).not.toMatch(/value/);
  });

  it.each([
    ['http://etcd:2379', '', 'get etcd:2379', { 'server.address': 'etcd', 'server.port': 2379 }],
    ['https://[::1]', '', 'get ::1:443', { 'server.address': '::1', 'server.port': 443 }],
    [
      'http://etcd',
      'billing/',
      'get billing/',
      { 'server.address': 'etcd', 'server.port': 80, 'db.namespace': 'billing/' },
    ],
    ['http://a:2379, http://b:2379', '', 'get', { 'server.address': 'a,b', 'server.port': 2379 }],
    ['http://a:1, http://b:2', '', 'get', { 'server.address': 'a,b' }],
    ['mem:orders', '', 'get', {}],
  ])('to %s in the namespace %j is named %s', (endpoint, namespace, name, attributes) => {
    const message = { endpoint, namespace, operation: 'get', key: 'k' } as const;
    tellStart(callChannel, message);
    tellEnd(callChannel, message);
    const [span] = spans.getFinishedSpans();
    expect(span!.name).toBe(name);
    expect(span!.attributes).toEqual({ 'db.system.name': 'etcd', 'db.operation.name': 'get', ...attributes });
  });

  it('is a child of the span that is active at the call, also behind waits', async () => {
    const { kvi } = bench.open();
    await tracer.startActiveSpan('request', async (request) => {
      await kvi.get('a');
      await tracer.startActiveSpan('step', async (step) => {
        await Promise.resolve();
        await kvi.withLock('jobs', {}, async () => kvi.store('a', '1'));
        step.end();
      });
      await kvi.delete('a');
      request.end();
    });
    const idOf = (name: string): string => spansOf(name)[0]!.spanContext().spanId;
    const parentOf = (name: string): string | undefined => spansOf(name)[0]!.parentSpanContext?.spanId;
    expect([parentOf('get'), parentOf('delete')]).toEqual([idOf('request'), idOf('request')]);
    expect([parentOf('lock.wait'), parentOf('store')]).toEqual([idOf('step'), idOf('step')]);
  });

  it('of many calls at once is a child of its own caller', async () => {
    const { kvi } = bench.open();
    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        tracer.startActiveSpan(`request ${at}`, async (request) => {
          await Promise.resolve();
          await kvi.get(`k/${at}`);
          request.end();
          return request.spanContext().spanId;
        }),
      ),
    );
    const parents = spansOf('get').map((span) => span.parentSpanContext?.spanId);
    expect(new Set(parents)).toEqual(new Set(ids));
  });

  it('that fails tells the code of its error, and not its message, which names the key', async () => {
    const { kvi, store } = bench.open();
    store.intercept('range', () => Promise.reject(new UnavailableError("'secret/key' was not read")));
    await kvi.get('secret/key').catch(() => {});
    const [span] = spansOf('get');
    expect(span!.status).toEqual({ code: SpanStatusCode.ERROR });
    expect(span!.attributes['error.type']).toBe('ERR_HMETCD_UNAVAILABLE');
    expect(span!.events).toEqual([]);
  });

  it('that fails tells the message of its error where keys are switched on, if it is ours', async () => {
    instrument({ keys: true });
    const { kvi, store } = bench.open();
    store.intercept('range', () => Promise.reject(new UnavailableError("'secret/key' was not read")));
    await kvi.get('secret/key').catch(() => {});
    store.intercept('range', () => Promise.reject(new TypeError('secret value')));
    await kvi.get('secret/key').catch(() => {});
    expect(spansOf('get').map(({ status }) => status.message)).toEqual([
      expect.stringMatching(/^'secret\/key' was not read See https:/),
      undefined,
    ]);
    expect(spansOf('get')[1]!.attributes['error.type']).toBe('TypeError');
  });

  it.each([
    ['nothing that can be named', 'a text', '_OTHER'],
    ['a name that is a sentence', Object.assign(new Error(), { name: 'a secret value' }), '_OTHER'],
    ["Node's code", Object.assign(new Error(), { code: 'ECONNRESET' }), 'ECONNRESET'],
    [
      'what cannot be looked at',
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('no');
          },
        },
      ),
      '_OTHER',
    ],
  ])('that ends with %s ends', (_what, error, type) => {
    const message = { endpoint: 'mem:', namespace: '', operation: 'get', key: 'k' } as const;
    tellStart(callChannel, message);
    tellFailure(callChannel, message, error);
    expect(spansOf('get')[0]!.attributes['error.type']).toBe(type);
  });
});

describe('the spans of a lock', () => {
  it('are one of the wait, in the trace of the caller, and one of the hold, by itself and linked to it', async () => {
    const { kvi } = bench.open();
    const { request, lock } = await tracer.startActiveSpan('request', async (span) => {
      const held = await kvi.lock('jobs');
      span.end();
      return { request: span.spanContext(), lock: held };
    });
    const [wait] = spansOf('lock.wait');
    expect(wait!.parentSpanContext?.spanId).toBe(request.spanId);
    expect(wait!.attributes).toEqual({
      'db.system.name': 'etcd',
      'hmetcd.lock.fencing_token': lock.fencingToken,
    });
    expect(spansOf('lock.hold')).toEqual([]);
    await lock.release();
    const [hold] = spansOf('lock.hold');
    expect(hold!.parentSpanContext).toBeUndefined();
    expect(hold!.spanContext().traceId).not.toBe(request.traceId);
    expect(hold!.links.map((link) => link.context.spanId)).toEqual([request.spanId]);
    expect(hold!.status.code).toBe(SpanStatusCode.UNSET);
  });

  it('do not become parents of what is done under the lock', async () => {
    const { kvi } = bench.open();
    await kvi.withLock('jobs', {}, () => kvi.store('a', '1'));
    expect(spansOf('store')[0]!.parentSpanContext).toBeUndefined();
  });

  it('have its name and key where keys are switched on', async () => {
    instrument({ keys: true });
    const { kvi } = bench.open();
    const lock = await kvi.lock('jobs');
    await lock.release();
    expect(spansOf('lock.wait')[0]!.attributes).toMatchObject({ 'hmetcd.lock.name': 'jobs' });
    expect(spansOf('lock.hold')[0]!.attributes).toMatchObject({
      'hmetcd.lock.name': 'jobs',
      'hmetcd.key': lock.key,
    });
  });

  it('tell of a lock that was not had, and of one that was lost', async () => {
    const [one, two] = [bench.open().kvi, bench.open().kvi];
    const lock = await one.lock('jobs');
    await expect(two.lock('jobs', { timeoutSec: 0 })).rejects.toBeInstanceOf(LockTimeoutError);
    await bench.foreign.txn({ success: [{ type: 'delete', key: lock.key }] });
    await bench.clock.advance(100);
    const errors = [spansOf('lock.wait')[1], spansOf('lock.hold')[0]].map(
      (span) => span!.attributes['error.type'],
    );
    expect(errors).toEqual(['ERR_HMETCD_LOCK_TIMEOUT', 'ERR_HMETCD_LOCK_LOST']);
  });
});

describe('the metrics', () => {
  it('have the duration of calls as the convention wants it: its name, unit, buckets and attributes', async () => {
    const { kvi, store } = bench.open();
    await kvi.store('secret/key', 'secret value');
    await kvi.get('secret/key');
    await kvi.get('secret/key');
    store.intercept('range', () => Promise.reject(new UnavailableError('no')));
    await kvi.get('secret/key').catch(() => {});
    const duration = (await metric('db.client.operation.duration')) as HistogramMetricData;
    expect(duration.descriptor.unit).toBe('s');
    expect(duration.dataPoints[0]!.value.buckets.boundaries).toEqual([
      0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10,
    ]);
    expect(await countsOf('db.client.operation.duration', 'db.operation.name', 'error.type')).toEqual([
      ['store', undefined, 1],
      ['get', undefined, 2],
      ['get', 'ERR_HMETCD_UNAVAILABLE', 1],
    ]);
    expect(duration.dataPoints.map(({ attributes }) => attributes['db.system.name'])).toEqual([
      'etcd',
      'etcd',
      'etcd',
    ]);
    expect(JSON.stringify(metrics.getMetrics())).not.toMatch(/secret/);
  });

  it('measure in seconds', async () => {
    const message = { endpoint: 'mem:', namespace: '', operation: 'get', key: 'k' } as const;
    tellStart(callChannel, message);
    const startedAt = performance.now();
    while (performance.now() - startedAt < 20);
    tellEnd(callChannel, message);
    const { value } = ((await metric('db.client.operation.duration')) as HistogramMetricData).dataPoints[0]!;
    expect(value.sum).toBeGreaterThanOrEqual(0.02);
    expect(value.sum).toBeLessThan(20);
  });

  it('have the waits, the holds and the losses of locks', async () => {
    const [one, two] = [bench.open().kvi, bench.open().kvi];
    await (await one.lock('jobs')).release();
    const lost = await one.lock('jobs');
    await two.lock('jobs', { timeoutSec: 0 }).catch(() => {});
    await bench.foreign.txn({ success: [{ type: 'delete', key: lost.key }] });
    await bench.clock.advance(100);
    expect(await countsOf('hmetcd.lock.wait.duration', 'error.type')).toEqual([
      [undefined, 2],
      ['ERR_HMETCD_LOCK_TIMEOUT', 1],
    ]);
    expect(await countsOf('hmetcd.lock.hold.duration', 'error.type')).toEqual([
      [undefined, 1],
      ['ERR_HMETCD_LOCK_LOST', 1],
    ]);
    expect(await countsOf('hmetcd.lock.losses', 'hmetcd.lock.name')).toEqual([[undefined, 1]]);
  });

  it('tell locks apart where keys are switched on', async () => {
    instrument({ keys: true });
    const { kvi } = bench.open();
    for (const name of ['a', 'b', 'a']) await (await kvi.lock(name)).release();
    expect(await countsOf('hmetcd.lock.hold.duration', 'hmetcd.lock.name')).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
  });

  it('have the lag of watches, their resyncs, and how long they were cut off', async () => {
    const { kvi, store } = bench.open();
    const watches = new BreakableWatches(store);
    await using view = await kvi.observe({ prefix: 'k/' });
    await put('k/1');
    await bench.clock.advance(0);
    watches.breakNow(new CompactedError('gone', 2));
    await bench.clock.advance(1000);
    watchResumedChannel.publish({ endpoint: 'http://a:2379', member: 'http://a:2379', cutOffMs: 1500 });
    expect(view.size).toBe(1);
    expect(await countsOf('hmetcd.watch.lag')).toEqual([[1]]);
    expect(await countsOf('hmetcd.watch.resyncs', 'hmetcd.watch.reason')).toEqual([['compacted', 1]]);
    const cutOff = (await metric('hmetcd.watch.cut_off.duration')) as HistogramMetricData;
    expect(cutOff.dataPoints[0]!.value.sum).toBe(1.5);
    expect(cutOff.dataPoints[0]!.attributes).toMatchObject({ 'server.address': 'a' });
  });

  it('have the renewals and the losses of sessions', async () => {
    const { kvi, store } = bench.open({ sessionTtlSec: 10 });
    await kvi.tempKey('t');
    await bench.clock.advance(4000);
    const left = (await metric('hmetcd.session.renewal.left')) as HistogramMetricData;
    expect(left.dataPoints[0]!.value).toMatchObject({ count: 1 });
    expect(left.dataPoints[0]!.value.sum).toBeCloseTo(9 - 10 / 3);
    expect(await countsOf('hmetcd.session.renewal.duration')).toEqual([[1]]);
    store.intercept('leaseKeepAlive', () => Promise.reject(new UnavailableError('no')));
    await bench.clock.advance(20_000);
    expect((await countsOf('hmetcd.session.losses'))[0]![0]).toBeGreaterThanOrEqual(1);
  });
});

describe('the recording', () => {
  it('ends by the call, and by disposal', async () => {
    const { kvi } = bench.open();
    {
      using recording = instrumentHmEtcd({ tracerProvider, meterProvider });
      stop();
      expect(recording).not.toBe(stop);
      await kvi.get('a');
      expect(spansOf('get')).toHaveLength(1);
    }
    stop();
    await kvi.get('a');
    expect(spansOf('get')).toHaveLength(1);
    expect(callChannel.hasSubscribers).toBe(false);
  });

  it('that ends while a call is under way leaves its span open, and breaks nothing', async () => {
    const { kvi } = bench.open();
    const get = kvi.get('a');
    stop();
    instrument();
    expect(await get).toBeUndefined();
    expect(spansOf('get')).toEqual([]);
  });

  it("tells OpenTelemetry's log of what a provider throws, and no call fails, nor the process", async () => {
    const logged: unknown[] = [];
    const log = (...given: unknown[]): void => void logged.push(given);
    diag.setLogger({ error: log, warn: log, info: log, debug: log, verbose: log }, DiagLogLevel.ERROR);
    const broken = {
      ...trace.getTracer('none'),
      startSpan: () => {
        throw new Error('broken');
      },
    } as unknown as Tracer;
    instrument({ tracerProvider: { getTracer: () => broken } });
    const { kvi } = bench.open();
    expect(await kvi.get('a')).toBeUndefined();
    diag.disable();
    expect(logged).toEqual([
      [
        'What was told on tracing:nestjs-hmetcd:call:start was not recorded.',
        expect.objectContaining({ message: 'broken' }),
      ],
    ]);
  });

  it('is of the global provider where none is given', async () => {
    trace.setGlobalTracerProvider(tracerProvider);
    stop();
    stop = instrumentHmEtcd();
    const { kvi } = bench.open();
    await kvi.get('a');
    trace.disable();
    expect(spansOf('get')).toHaveLength(1);
  });

  it.each([
    ['keys', { keys: 'yes' }],
    ['tracerProvider', { tracerProvider: {} }],
    ['meterProvider', { meterProvider: 1 }],
    ['values', { values: true }],
  ])('refuses %s that is none', (name, options) => {
    const instrumenting = (): unknown => instrumentHmEtcd(options as HmEtcdInstrumentationOptions);
    expect(instrumenting).toThrow(InvalidArgumentError);
    expect(instrumenting).toThrow(name);
  });
});
