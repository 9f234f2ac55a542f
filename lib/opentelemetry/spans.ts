import {
  type Attributes,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { callChannel, lockHoldChannel, lockWaitChannel } from '../kvi/channels.js';
import { isOurs } from '../store/errors.js';
import { errorAttributes, placeAttributes, targetOf } from './attributes.js';
import type { Subscriptions } from './subscriptions.js';

/** Spans of calls and of locks. */
export class Spans {
  readonly #tracer: Tracer;
  readonly #withKeys: boolean;
  /** Of what was told to begin, by its message. */
  readonly #running = new WeakMap<object, Span>();

  constructor(tracer: Tracer, withKeys: boolean) {
    this.#tracer = tracer;
    this.#withKeys = withKeys;
  }

  follow(subscriptions: Subscriptions): void {
    this.#followCalls(subscriptions);
    this.#followWaits(subscriptions);
    this.#followHolds(subscriptions);
  }

  #followCalls(subscriptions: Subscriptions): void {
    subscriptions.on(callChannel.start, (call) => {
      const { operation, key, rangeEnd } = call;
      const target = targetOf(call);
      const attributes = {
        ...placeAttributes(call),
        'db.operation.name': operation,
        ...this.#ifWanted({ 'hmetcd.key': key, 'hmetcd.range_end': rangeEnd }),
      };
      const name = target === undefined ? operation : `${operation} ${target}`;
      this.#running.set(call, this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }));
    });
    subscriptions.on(callChannel.asyncEnd, (call) => this.#end(call));
  }

  #followWaits(subscriptions: Subscriptions): void {
    subscriptions.on(lockWaitChannel.start, (wait) => {
      const attributes = { ...placeAttributes(wait), ...this.#ifWanted({ 'hmetcd.lock.name': wait.name }) };
      this.#running.set(wait, this.#tracer.startSpan('lock.wait', { attributes }));
    });
    subscriptions.on(lockWaitChannel.asyncEnd, (wait) => {
      this.#running.get(wait)?.setAttributes({ 'hmetcd.lock.fencing_token': wait.fencingToken });
      this.#end(wait);
    });
  }

  /** A hold may outlive whoever took the lock by hours: it is a trace of its own, which knows where it began. */
  #followHolds(subscriptions: Subscriptions): void {
    subscriptions.on(lockHoldChannel.start, (hold) => {
      const { name, key, fencingToken } = hold;
      const attributes = {
        ...placeAttributes(hold),
        'hmetcd.lock.fencing_token': fencingToken,
        ...this.#ifWanted({ 'hmetcd.lock.name': name, 'hmetcd.key': key }),
      };
      const taker = trace.getSpanContext(context.active());
      const links = taker === undefined ? [] : [{ context: taker }];
      this.#running.set(hold, this.#tracer.startSpan('lock.hold', { root: true, links, attributes }));
    });
    subscriptions.on(lockHoldChannel.asyncEnd, (hold) => this.#end(hold));
  }

  #end(message: { readonly error?: unknown }): void {
    const span = this.#running.get(message);
    if (span === undefined) return;
    if (message.error !== undefined) this.#fail(span, message.error);
    span.end();
  }

  #fail(span: Span, error: unknown): void {
    span.setAttributes(errorAttributes({ error }));
    // This library's messages name keys; what those of others hold is not known.
    const message = this.#withKeys && isOurs(error) ? error.message : undefined;
    span.setStatus({ code: SpanStatusCode.ERROR, message });
  }

  #ifWanted(attributes: Attributes): Attributes {
    return this.#withKeys ? attributes : {};
  }
}
