import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type {
  BatchMessage,
  WatchLagMessage,
  WatchLostMessage,
  WatchResumedMessage,
} from './channel-messages.js';

/** A message of a tracing channel, to which the end is added. */
interface Traced {
  error?: unknown;
}

/** A channel for what is told at once. */
export function eventChannel<M>(name: string): Channel<unknown, M> {
  return channel(name) as Channel<unknown, M>;
}

export const batchChannel: TracingChannel<unknown, BatchMessage> = tracingChannel('nestjs-hmetcd:batch');
export const watchLostChannel = eventChannel<WatchLostMessage>('nestjs-hmetcd:watch.lost');
export const watchResumedChannel = eventChannel<WatchResumedMessage>('nestjs-hmetcd:watch.resumed');
export const watchLagChannel = eventChannel<WatchLagMessage>('nestjs-hmetcd:watch.lag');

/** Tells whoever listens; for nobody, not even the message is made. */
export function announce<M>(listeners: Channel<unknown, M>, message: () => M): void {
  if (listeners.hasSubscribers) listeners.publish(message());
}

/**
 * Tells of something from its beginning to its end, and runs it with the stores that are bound to the beginning. Not
 * Node's `tracePromise`, which hands the result round: that may be a value.
 *
 * For who is asked often: look at `hasSubscribers` first, and make the message only then.
 */
export async function traced<M extends Traced, T>(
  tracing: TracingChannel<unknown, M>,
  message: M,
  run: () => Promise<T>,
): Promise<T> {
  try {
    // What `run` throws at once is a rejection, so that the end of its first part is told all the same.
    const running = tracing.start.runStores(message, async () => run());
    tracing.end.publish(message);
    const result = await running;
    tellEnd(tracing, message);
    return result;
  } catch (error) {
    tellFailure(tracing, message, error);
    throw error;
  }
}

/** As `traced`, of what no single function does: `tellEnd` or `tellFailure` follows. */
export function tellStart<M extends Traced>(tracing: TracingChannel<unknown, M>, message: M): void {
  tracing.start.publish(message);
  tracing.end.publish(message);
}

export function tellEnd<M extends Traced>(tracing: TracingChannel<unknown, M>, message: M): void {
  tracing.asyncStart.publish(message);
  tracing.asyncEnd.publish(message);
}

export function tellFailure<M extends Traced>(
  tracing: TracingChannel<unknown, M>,
  message: M,
  error: unknown,
): void {
  message.error = error;
  tracing.error.publish(message);
  tellEnd(tracing, message);
}
