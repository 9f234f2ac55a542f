import { open } from '../../../dist/esm/kvi/open.js';

// Opens a handle, which is not to succeed, and is then to end by itself.

const [endpoint] = process.argv.slice(2);
const quiet = () => undefined;
const logger = { debug: quiet, log: quiet, warn: quiet, error: quiet };
process.on('SIGUSR2', quiet);
// A listener for a signal does not keep the process alive.
try {
  await open(endpoint, { logger, connectTimeoutMs: 1000, requestTimeoutMs: 1000 });
} catch (error) {
  process.stdout.write(`not opened: ${error.name}\n`);
}
