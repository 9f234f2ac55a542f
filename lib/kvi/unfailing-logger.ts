import type { HmEtcdLogger } from './options.js';

/**
 * A logger whose failures stay its own: a lock's loss is told, and a handle closed, also where that can no longer be
 * written down. At shutdown a log may be closed before its writers are.
 */
export function unfailing(logger: HmEtcdLogger): HmEtcdLogger {
  const writeAt = (level: keyof HmEtcdLogger) => (message: string) => {
    try {
      logger[level](message);
    } catch {
      // There is no other place to say so.
    }
  };
  return { debug: writeAt('debug'), log: writeAt('log'), warn: writeAt('warn'), error: writeAt('error') };
}
