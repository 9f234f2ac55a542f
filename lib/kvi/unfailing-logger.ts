import type { HmEtcdLogger } from './options.js';

/**
 * A logger whose failures, be they thrown or promised, stay its own: a lock's loss is told, and a handle closed, also where that can no longer be
 * written down. At shutdown a log may be closed before its writers are.
 */
export function unfailing(logger: HmEtcdLogger): HmEtcdLogger {
  const write = async (level: keyof HmEtcdLogger, message: string): Promise<void> => {
    try {
      // Its type says that it answers nothing, which an async function may do later.
      const written: unknown = logger[level](message);
      await written;
    } catch {
      // There is no other place to say so.
    }
  };
  return {
    debug: (message) => void write('debug', message),
    log: (message) => void write('log', message),
    warn: (message) => void write('warn', message),
    error: (message) => void write('error', message),
  };
}
