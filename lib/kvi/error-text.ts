import { withoutHelp } from '../store/error-help.js';
import { isOurs } from '../store/errors.js';

/** What a class is named like; anything else may be a value. */
const NAME = /^[\w$]{1,100}$/;

/**
 * An error for a log line. The messages of this library hold no values; those of others may (that of `JSON.parse`
 * quotes its input), so that only their name is told.
 */
export function describeError(error: unknown): string {
  try {
    if (isOurs(error)) return `${error.name}: ${withoutHelp(error.message)}`;
    if (!(error instanceof Error)) return `a ${typeof error} that is no Error`;
    return typeof error.name === 'string' && NAME.test(error.name) ? error.name : 'an Error';
  } catch {
    // It throws when it is looked at. Whoever only wants to log it must not end by that.
    return 'an error that cannot be read';
  }
}

/** As {@link describeError}, and where it was thrown. */
export function describeThrown(error: unknown): string {
  return describeError(error) + framesOf(error);
}

function framesOf(error: unknown): string {
  try {
    return error instanceof Error ? stackFrames(error) : '';
  } catch {
    return '';
  }
}

/** Where an error was made: the lines of its stack below the message, each after a line break. */
export function stackFrames({ message, stack = '' }: Error): string {
  const messageAt = stack.indexOf(message);
  if (messageAt === -1) return '';
  const framesAt = stack.indexOf('\n    at ', messageAt + message.length);
  return framesAt === -1 ? '' : stack.slice(framesAt);
}
