import { MemoryStore, memoryDatabase } from '../store/memory/memory-store.js';
import { inNamespace } from '../store/namespaced-store.js';
import type { Store } from '../store/store.js';
import type { Endpoint, ResolvedKviOptions } from './options.js';

/** Connects to the store that an endpoint names. */
export async function openStore(endpoint: Endpoint, options: ResolvedKviOptions): Promise<Store> {
  return inNamespace(await connect(endpoint, options), options.namespace);
}

/** etcd and its client are loaded only by who asks for them. */
async function connect(endpoint: Endpoint, options: ResolvedKviOptions): Promise<Store> {
  if (endpoint.kind === 'memory') return new MemoryStore(memoryDatabase(endpoint.name));
  const { openEtcdStore } = await import('../store/etcd/open-etcd-store.js');
  return openEtcdStore(endpoint.urls, options);
}
