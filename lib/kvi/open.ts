import { type Clock, systemClock } from '../store/clock.js';
import { UnavailableError } from '../store/errors.js';
import type { Store } from '../store/store.js';
import type { Kvi } from './kvi.js';
import { openStore } from './open-store.js';
import {
  describeEndpoint,
  type KviOptions,
  parseEndpoint,
  type ResolvedKviOptions,
  resolveKviOptions,
} from './options.js';
import { checkRecordRights } from './record-rights.js';
import { StoreKvi } from './store-kvi.js';

/**
 * Opens a handle outside Nest. Go: `Open`.
 *
 * @param endpoint `mem:` is one store for the whole process, which outlives `close()`; `mem:NAME` is a separate
 * one; `http://host:2379` or `https://…` is etcd, several as an array or separated by commas
 * @throws InvalidArgumentError; PermissionDeniedError when the store's user may not write below `\\0hmetcd/`, and
 * `retryableWrites` is not false; UnavailableError when the store does not answer within `connectTimeoutMs`, in
 * which case nothing stays open
 * @publicApi
 */
export async function open(endpoint: string | readonly string[], options?: KviOptions): Promise<Kvi> {
  const place = parseEndpoint('endpoint', endpoint);
  const resolved = resolveKviOptions(options);
  return openOver(describeEndpoint(place), () => openStore(place, resolved), resolved, systemClock);
}

/**
 * Opens a handle over whatever store `connect` answers.
 *
 * @param place where that is, for messages
 */
export async function openOver(
  place: string,
  connect: () => Promise<Store>,
  options: ResolvedKviOptions,
  clock: Clock,
): Promise<Kvi> {
  const { connectTimeoutMs } = options;
  const store = await within(connectTimeoutMs, place, clock, (signal) =>
    openUsable(connect, options, signal),
  );
  options.logger.log(`Connected to ${place}.`);
  return new StoreKvi(store, options, clock);
}

/** That writes cannot be recorded is an error of the start, not of some write later on. */
async function openUsable(
  connect: () => Promise<Store>,
  options: ResolvedKviOptions,
  signal: AbortSignal,
): Promise<Store> {
  const store = await connect();
  try {
    if (options.retryableWrites) await checkRecordRights(store, signal);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** A store that answers after all, but too late, is closed. */
async function within(
  timeoutMs: number,
  place: string,
  clock: Clock,
  begin: (signal: AbortSignal) => Promise<Store>,
): Promise<Store> {
  const late = new AbortController();
  let cancelTimer = (): void => {};
  const timeUp = new Promise<never>((_resolve, reject) => {
    cancelTimer = clock.setTimer(timeoutMs, () => {
      late.abort();
      reject(
        new UnavailableError(
          `The store at ${place} did not answer within ${timeoutMs} ms. Check that it runs and can be reached, or raise connectTimeoutMs.`,
        ),
      );
    });
  });
  const opening = begin(late.signal);
  opening.then((store) => (late.signal.aborted ? store.close() : undefined)).catch(() => {});
  try {
    return await Promise.race([opening, timeUp]);
  } finally {
    cancelTimer();
  }
}
