import { open } from 'nestjs-hmetcd';

const quiet = () => undefined;
const logger = { debug: quiet, log: quiet, warn: console.error, error: console.error };

/** The library as its users have it. The other contenders have the functions of `Kvi` that they are measured by. */
export function connect(endpoint) {
  return open(endpoint, { logger, requestTimeoutMs: 60_000 });
}
