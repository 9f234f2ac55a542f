import { InvalidArgumentError } from '../store/errors.js';
import { MemoryStore, memoryDatabase } from '../store/memory/memory-store.js';
import { NamespacedStore } from '../store/namespaced-store.js';
import type { Store } from '../store/store.js';
import type { Endpoint, ResolvedKviOptions } from './options.js';

/** Connects to the store that an endpoint names. */
export async function openStore(endpoint: Endpoint, options: ResolvedKviOptions): Promise<Store> {
  const store = await connect(endpoint);
  return options.namespace === '' ? store : new NamespacedStore(store, options.namespace);
}

async function connect(endpoint: Endpoint): Promise<Store> {
  if (endpoint.kind === 'memory') return new MemoryStore(memoryDatabase(endpoint.name));
  throw new InvalidArgumentError(
    "endpoint must be 'mem:' or 'mem:NAME' in this version: http:// and https:// endpoints arrive with the next one. Nothing was sent.",
  );
}
