/** Loads nothing but what this contender needs. */
export async function connect(contender, endpoint) {
  const { connect: connectTo } = await import(`./${contender}.mjs`);
  return connectTo(endpoint);
}

/** Who writes to an etcd must not count: one that is the same for all contenders. An embedded store has but itself. */
export async function connectWriter(client, endpoint) {
  if (!endpoint.startsWith('mem:')) return connect('raw', endpoint);
  return {
    store: (key, value) => client.store(key, value),
    async storeAll(pairs) {
      for (const [key, value] of pairs) await client.store(key, value);
    },
    close: () => undefined,
  };
}
