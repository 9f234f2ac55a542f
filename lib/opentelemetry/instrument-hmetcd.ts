import { type MeterProvider, metrics, trace, type TracerProvider } from '@opentelemetry/api';
import { checkBoolean, isRecord, readFields, refuse } from '../kvi/validate.js';
import { Metrics } from './metrics.js';
import { Spans } from './spans.js';
import { Subscriptions } from './subscriptions.js';

const SCOPE = 'nestjs-hmetcd';

/**
 * What is recorded, and where.
 *
 * @publicApi
 */
export interface HmEtcdInstrumentationOptions {
  /**
   * Records keys and the names of locks, and the messages of errors, which name them. Left out, all of that stays out.
   * Values are recorded in no case.
   *
   * @default false
   */
  readonly keys?: boolean;
  /** Whose spans they are. Left out: the global one, which may also be registered later. */
  readonly tracerProvider?: TracerProvider;
  /** Whose metrics they are. Left out: the global one, which must be registered already. */
  readonly meterProvider?: MeterProvider;
}

/**
 * Ends the recording when it is called or disposed of. Idempotent.
 *
 * @publicApi
 */
export interface HmEtcdInstrumentation extends Disposable {
  (): void;
}

/**
 * Records what all handles of this process do, in OpenTelemetry: spans of calls, of waits for locks and of holds, and
 * metrics. Spans and durations of calls follow the conventions for databases. A call's span is a child of the one that is
 * active where it is called; a hold is a trace of its own, linked to where the lock was taken.
 *
 * @throws InvalidArgumentError
 * @publicApi
 */
export function instrumentHmEtcd(options: HmEtcdInstrumentationOptions = {}): HmEtcdInstrumentation {
  const {
    keys = false,
    tracerProvider = trace,
    meterProvider = metrics,
  } = readFields<HmEtcdInstrumentationOptions>('options', options, {
    keys: checkBoolean,
    tracerProvider: (name, given) => checkProvider(name, given, 'getTracer'),
    meterProvider: (name, given) => checkProvider(name, given, 'getMeter'),
  });
  const subscriptions = new Subscriptions();
  new Spans(tracerProvider.getTracer(SCOPE), keys).follow(subscriptions);
  new Metrics(meterProvider.getMeter(SCOPE), keys).follow(subscriptions);
  const stop = (): void => subscriptions.end();
  return Object.assign(stop, { [Symbol.dispose]: stop });
}

function checkProvider(name: string, given: unknown, method: string): void {
  if (isRecord(given) && typeof given[method] === 'function') return;
  throw refuse(name, `a provider with the method ${method}`, given);
}
