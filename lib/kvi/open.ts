import { systemClock } from '../store/clock.js';
import { UnavailableError } from '../store/errors.js';
import type { Store } from '../store/store.js';
import type { Kvi } from './kvi.js';
import { openStore } from './open-store.js';
import { type Endpoint, type KviOptions, parseEndpoint, resolveKviOptions } from './options.js';
import { StoreKvi } from './store-kvi.js';
import { unfailing } from './unfailing-logger.js';

/**
 * Opens a handle outside Nest. Go: `Open`.
 *
 * @param endpoint `mem:` is one store for the whole process, which outlives `close()`; `mem:NAME` is a separate
 * one; `http://host:2379` or `https://…` is etcd, several as an array or separated by commas
 * @throws InvalidArgumentError; UnavailableError when the store does not answer within `connectTimeoutMs`, in
 * which case nothing stays open
 * @publicApi
 */
export async function open(endpoint: string | readonly string[], options?: KviOptions): Promise<Kvi> {
  const place = parseEndpoint('endpoint', endpoint);
  const resolved = resolveKviOptions(options);
  const store = await within(resolved.connectTimeoutMs, openStore(place, resolved), place);
  unfailing(resolved.logger).log(`Connected to ${describe(place)}.`);
  return new StoreKvi(store, resolved);
}

/** A store that answers after all, but too late, is closed. */
async function within(timeoutMs: number, opening: Promise<Store>, place: Endpoint): Promise<Store> {
  let cancelTimer = (): void => {};
  let isLate = false;
  const timeUp = new Promise<never>((_resolve, reject) => {
    cancelTimer = systemClock.setTimer(timeoutMs, () => {
      isLate = true;
      reject(
        new UnavailableError(
          `The store at ${describe(place)} did not answer within ${timeoutMs} ms. Check that it runs and can be reached, or raise connectTimeoutMs.`,
        ),
      );
    });
  });
  opening.then((store) => (isLate ? store.close() : undefined)).catch(() => {});
  try {
    return await Promise.race([opening, timeUp]);
  } finally {
    cancelTimer();
  }
}

function describe(place: Endpoint): string {
  return place.kind === 'memory' ? `mem:${place.name}` : place.urls.join(', ');
}
