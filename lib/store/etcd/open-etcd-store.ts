import { InvalidArgumentError, PermissionDeniedError } from '../errors.js';
import type { Store } from '../store.js';
import { PROBE } from './calls.js';
import { EtcdStore, type EtcdStoreOptions } from './etcd-store.js';
import { atLeast } from './server-version.js';

/** Below this, leases break around a stalled leader: a lock's key can vanish while its holder is told it lives. */
const SAFE_LEASES = '3.5.13';

/** From this on, a progress report comes only when every watch of the stream has come that far. */
const TRUSTED_PROGRESS = '3.5.8';

/** Whoever opens a store counts the same time, and knows less of what went wrong. */
const OWN_SHARE = 0.9;

/**
 * Connects: one linearizable read must be answered within `connectTimeoutMs`, so that wrong addresses, certificates
 * and passwords show at once. Closes everything again when that fails.
 */
export async function openEtcdStore(urls: readonly string[], options: EtcdStoreOptions): Promise<Store> {
  const store = newStore(urls, options);
  try {
    await readOnce(store, options.connectTimeoutMs * OWN_SHARE);
    await learnVersions(store, options);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What Node throws at a text that is no PEM says little, and is nobody's to handle. */
function newStore(urls: readonly string[], options: EtcdStoreOptions): EtcdStore {
  try {
    return new EtcdStore(urls, options);
  } catch (cause) {
    throw new InvalidArgumentError(
      'options.tls must hold PEM texts: the certificate of an authority as ca, a certificate and its key as cert and key. One of them could not be read. Nothing was sent.',
      { cause },
    );
  }
}

/** A user that may not read this key has proved just as well that somebody answers. */
async function readOnce(store: EtcdStore, timeoutMs: number): Promise<void> {
  try {
    await store.calls.run({ ...PROBE, what: 'Connecting', read: () => {} }, timeoutMs);
  } catch (error) {
    if (!(error instanceof PermissionDeniedError)) throw error;
  }
}

async function learnVersions(
  store: EtcdStore,
  { connectTimeoutMs, logger }: EtcdStoreOptions,
): Promise<void> {
  const timeoutMs = Math.min(1500, connectTimeoutMs);
  const asked = store.members.map(async (member) => {
    const { version } = await store.calls.statusOf(member, timeoutMs);
    return { url: member.url, version };
  });
  const answers = (await Promise.allSettled(asked)).flatMap((answer) =>
    answer.status === 'fulfilled' ? [answer.value] : [],
  );
  const old = answers.find(({ version }) => !atLeast(version, SAFE_LEASES));
  if (old !== undefined) {
    logger.warn(
      `etcd ${old.version} at ${old.url} is older than ${SAFE_LEASES}: around a stalled leader a lock can be lost before its holder is told. Only fenced writes are safe there.`,
    );
  }
  const all = answers.length === store.members.length;
  if (all && answers.every(({ version }) => atLeast(version, TRUSTED_PROGRESS))) store.trustProgress();
}
