import type { Attributes, Histogram, Meter } from '@opentelemetry/api';
import type { TracingChannel } from 'node:diagnostics_channel';
import {
  callChannel,
  lockHoldChannel,
  lockWaitChannel,
  sessionLostChannel,
  sessionRenewedChannel,
  watchResyncChannel,
} from '../kvi/channels.js';
import { batchChannel, watchLagChannel, watchResumedChannel } from '../store/channels.js';
import { errorAttributes, placeAttributes } from './attributes.js';
import type { Subscriptions } from './subscriptions.js';

/** Those that OpenTelemetry's conventions name for calls to databases. */
const CALL_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** A lock is waited for, and held, for as long as somebody's work takes. */
const LOCK_SECONDS = [0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600];

const OPERATIONS = [1, 2, 4, 8, 16, 32, 64, 128];

/** What every message is about. */
type Told = Parameters<typeof placeAttributes>[0];

/** Histograms and counters of everything that is told. Keys are in none of them: there may be too many. */
export class Metrics {
  readonly #meter: Meter;
  readonly #withKeys: boolean;

  constructor(meter: Meter, withKeys: boolean) {
    this.#meter = meter;
    this.#withKeys = withKeys;
  }

  follow(subscriptions: Subscriptions): void {
    this.#followCalls(subscriptions);
    this.#followLocks(subscriptions);
    this.#followWatches(subscriptions);
    this.#followSessions(subscriptions);
  }

  #followCalls(subscriptions: Subscriptions): void {
    const duration = this.#seconds(
      'db.client.operation.duration',
      'Duration of database client operations.',
      CALL_SECONDS,
    );
    this.#time(subscriptions, callChannel, duration, ({ operation }) => ({ 'db.operation.name': operation }));
    const description = 'How many calls travelled in one request.';
    const advice = { explicitBucketBoundaries: OPERATIONS };
    const batches = this.#meter.createHistogram('hmetcd.batch.operations', {
      unit: '{operation}',
      description,
      advice,
    });
    subscriptions.on(batchChannel.start, (batch) => {
      batches.record(batch.operations, { ...placeAttributes(batch), 'hmetcd.batch.kind': batch.kind });
    });
  }

  #followLocks(subscriptions: Subscriptions): void {
    const wait = this.#seconds('hmetcd.lock.wait.duration', 'How long locks were waited for.', LOCK_SECONDS);
    const hold = this.#seconds('hmetcd.lock.hold.duration', 'How long locks were held.', LOCK_SECONDS);
    const losses = this.#meter.createCounter('hmetcd.lock.losses', {
      unit: '{lock}',
      description: 'Locks that were lost while they were held.',
    });
    const nameOf = ({ name }: { readonly name: string }): Attributes =>
      this.#withKeys ? { 'hmetcd.lock.name': name } : {};
    this.#time(subscriptions, lockWaitChannel, wait, nameOf);
    this.#time(subscriptions, lockHoldChannel, hold, nameOf);
    subscriptions.on(lockHoldChannel.error, (lost) => {
      losses.add(1, { ...placeAttributes(lost), ...nameOf(lost) });
    });
  }

  #followWatches(subscriptions: Subscriptions): void {
    const lag = this.#seconds('hmetcd.watch.lag', 'How long changes waited for their reader.', CALL_SECONDS);
    const cutOff = this.#seconds(
      'hmetcd.watch.cut_off.duration',
      'How long all watches of a connection were cut off.',
      LOCK_SECONDS,
    );
    const resyncs = this.#meter.createCounter('hmetcd.watch.resyncs', {
      unit: '{resync}',
      description: 'How often a range was read anew, because changes were missed.',
    });
    subscriptions.on(watchLagChannel, (changes) => {
      lag.record(changes.waitedMs / 1000, placeAttributes(changes));
    });
    subscriptions.on(watchResumedChannel, (resumed) => {
      cutOff.record(resumed.cutOffMs / 1000, placeAttributes(resumed));
    });
    subscriptions.on(watchResyncChannel, (resync) => {
      resyncs.add(1, { ...placeAttributes(resync), 'hmetcd.watch.reason': resync.reason });
    });
  }

  #followSessions(subscriptions: Subscriptions): void {
    const renewal = this.#seconds(
      'hmetcd.session.renewal.duration',
      'How long keep-alives took to be answered.',
      CALL_SECONDS,
    );
    const left = this.#seconds(
      'hmetcd.session.renewal.left',
      'How much later a session would have been lost when it was renewed.',
      LOCK_SECONDS,
    );
    const losses = this.#meter.createCounter('hmetcd.session.losses', {
      unit: '{session}',
      description: 'Sessions that were lost, and with each all locks of its connection.',
    });
    subscriptions.on(sessionRenewedChannel, (renewed) => {
      renewal.record(renewed.roundTripMs / 1000, placeAttributes(renewed));
      left.record(renewed.leftMs / 1000, placeAttributes(renewed));
    });
    subscriptions.on(sessionLostChannel, (lost) => losses.add(1, placeAttributes(lost)));
  }

  /** Records how long each thing took that is told to begin and to end. */
  #time<M extends Told & { error?: unknown }>(
    subscriptions: Subscriptions,
    channel: TracingChannel<unknown, M>,
    histogram: Histogram,
    attributesOf: (message: M) => Attributes,
  ): void {
    const startedAt = new WeakMap<M, number>();
    subscriptions.on(channel.start, (message) => void startedAt.set(message, performance.now()));
    subscriptions.on(channel.asyncEnd, (message) => {
      const start = startedAt.get(message);
      if (start === undefined) return;
      const attributes = {
        ...placeAttributes(message),
        ...attributesOf(message),
        ...errorAttributes(message),
      };
      histogram.record((performance.now() - start) / 1000, attributes);
    });
  }

  #seconds(name: string, description: string, explicitBucketBoundaries: number[]): Histogram {
    return this.#meter.createHistogram(name, {
      unit: 's',
      description,
      advice: { explicitBucketBoundaries },
    });
  }
}
