import type { Kvi } from '../../../lib/kvi/kvi.js';
import { open } from '../../../lib/kvi/open.js';
import type { KviOptions } from '../../../lib/kvi/options.js';
import { RecordingLogger } from '../../support/recording-logger.js';

export interface Connection extends AsyncDisposable {
  readonly kvi: Kvi;
  readonly logger: RecordingLogger;
}

/** A handle that is closed at the end of its block, and what it logged. */
export async function connect(
  endpoint: string | readonly string[],
  options: KviOptions = {},
): Promise<Connection> {
  const logger = new RecordingLogger();
  const kvi = await open(endpoint, { logger, ...options });
  return { kvi, logger, [Symbol.asyncDispose]: () => kvi.close() };
}
