import { Etcd3 } from 'etcd3';

/** etcd3's own calls, as its readme shows them. */
export async function connect(endpoint) {
  const client = new Etcd3({
    hosts: endpoint,
    grpcOptions: { 'grpc.max_receive_message_length': -1 },
  });
  return {
    get: (key) => client.get(key).string(),
    store: (key, value) => client.put(key).value(value).exec(),
    tas: async (key, testValue, setValue) =>
      (await client.if(key, 'Value', '==', testValue).then(client.put(key).value(setValue)).commit())
        .succeeded,
    transaction: async (key, op, value, thenKey, thenValue, elseKey, elseValue) =>
      (
        await client
          .if(key, 'Value', '==', value)
          .then(client.put(thenKey).value(thenValue))
          .else(client.put(elseKey).value(elseValue))
          .commit()
      ).succeeded,
    getRange: async (keyStart, keyEnd) =>
      Object.entries(
        await client
          .getAll()
          .inRange({ start: keyStart, end: `${keyEnd}\0` })
          .strings(),
      ),
    lock: (name) => client.lock(name).acquire(),
    async watchWithCB(key, _op, callback) {
      const watcher = await client.watch().key(key).create();
      return watcher.on('put', ({ value }) => callback(key, value.toString()));
    },
    watchCBCancel: (watcher) => watcher.cancel(),
    async close() {
      client.close();
    },
  };
}
