import { HmEtcdError } from '../store/errors.js';

/**
 * An error for a log line. The messages of this library hold no values; those of others may (that of `JSON.parse`
 * quotes its input), so that only their name is told.
 */
export function describeError(error: unknown): string {
  if (error instanceof HmEtcdError) return `${error.name}: ${error.message}`;
  return error instanceof Error ? error.name : `a ${typeof error} that is no Error`;
}

/** As {@link describeError}, and where it was thrown. */
export function describeThrown(error: unknown): string {
  return describeError(error) + (error instanceof Error ? stackFrames(error) : '');
}

/** Where an error was made: the lines of its stack below the message, each after a line break. */
export function stackFrames({ message, stack = '' }: Error): string {
  const messageAt = stack.indexOf(message);
  if (messageAt === -1) return '';
  const framesAt = stack.indexOf('\n    at ', messageAt + message.length);
  return framesAt === -1 ? '' : stack.slice(framesAt);
}
