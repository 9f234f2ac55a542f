import { createRequire } from 'node:module';
import { join } from 'node:path';

// What etcd3 itself is built on, and its description of etcd's services.
const ofEtcd3 = createRequire(createRequire(import.meta.url).resolve('etcd3'));
const grpc = ofEtcd3('@grpc/grpc-js');
const { loadSync } = ofEtcd3('@grpc/proto-loader');
const PROTO = join(ofEtcd3.resolve('etcd3/package.json'), '../proto/rpc.proto');
const { etcdserverpb } = grpc.loadPackageDefinition(
  loadSync(PROTO, { longs: String, enums: String, defaults: true }),
);

const ONE_TXN = 128;

/** One plain RPC of grpc-js for each operation: the floor for whoever does not send several together. */
export async function connect(endpoint) {
  const address = new URL(endpoint).host;
  const options = { 'grpc.max_receive_message_length': -1 };
  const clientOf = (Service) => new Service(address, grpc.credentials.createInsecure(), options);
  const [kv, leases, watches] = [etcdserverpb.KV, etcdserverpb.Lease, etcdserverpb.Watch].map(clientOf);
  const txn = async (request) => (await call(kv, 'txn', request)).succeeded;
  const watching = new Watching(watches);
  let lease;

  return {
    async get(key) {
      const { kvs } = await call(kv, 'range', { key: Buffer.from(key) });
      return kvs[0]?.value.toString();
    },
    store: (key, value) => call(kv, 'put', pair(key, value)),
    storeAll(pairs) {
      const starts = Array.from({ length: Math.ceil(pairs.length / ONE_TXN) }, (_, index) => index * ONE_TXN);
      const puts = (start) => pairs.slice(start, start + ONE_TXN).map(([key, value]) => put(key, value));
      return Promise.all(starts.map((start) => txn({ success: puts(start) })));
    },
    tas: (key, testValue, setValue) =>
      txn({ compare: [valueIs(key, testValue)], success: [put(key, setValue)] }),
    transaction: (key, op, value, thenKey, thenValue, elseKey, elseValue) =>
      txn({
        compare: [valueIs(key, value)],
        success: [put(thenKey, thenValue)],
        failure: [put(elseKey, elseValue)],
      }),
    async getRange(keyStart, keyEnd) {
      const range = { key: Buffer.from(keyStart), rangeEnd: Buffer.from(`${keyEnd}\0`) };
      const { kvs } = await call(kv, 'range', range);
      return kvs.map(({ key, value }) => ({ key: key.toString(), value: value.toString() }));
    },
    /** As a client would that has its lease already. */
    async lock(name) {
      lease ??= (await call(leases, 'leaseGrant', { TTL: 60 })).ID;
      const taken = await txn({ compare: [isAbsent(name)], success: [put(name, '', lease)] });
      if (!taken) throw new Error(`The lock ${name} is held by somebody else.`);
      return { release: () => call(kv, 'deleteRange', { key: Buffer.from(name) }) };
    },
    watchWithCB: (key, _op, callback) => watching.add(key, callback),
    watchCBCancel: (id) => watching.remove(id),
    async close() {
      watching.end();
      for (const client of [kv, leases, watches]) client.close();
    },
  };
}

function call(client, method, request) {
  return new Promise((resolve, reject) => {
    client[method](request, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

function pair(key, value, lease) {
  return { key: Buffer.from(key), value: Buffer.from(value), lease };
}

function put(key, value, lease) {
  return { requestPut: pair(key, value, lease) };
}

function valueIs(key, value) {
  return { key: Buffer.from(key), target: 'Value', result: 'Equal', value: Buffer.from(value) };
}

function isAbsent(key) {
  return { key: Buffer.from(key), target: 'Create', result: 'Equal', createRevision: '0' };
}

/** All watches on one stream; etcd answers them in the order in which they were asked for. */
class Watching {
  #client;
  #stream;
  #callbacks = new Map();
  #asked = [];
  #cancelled = new Map();

  constructor(client) {
    this.#client = client;
  }

  add(key, callback) {
    this.#stream ??= this.#open();
    this.#stream.write({ createRequest: { key: Buffer.from(key) } });
    return new Promise((resolve) => this.#asked.push({ key, callback, resolve }));
  }

  remove(watchId) {
    this.#stream.write({ cancelRequest: { watchId } });
    return new Promise((resolve) => this.#cancelled.set(watchId, resolve));
  }

  end() {
    this.#stream?.cancel();
  }

  #open() {
    const stream = this.#client.watch();
    stream.on('data', (answer) => this.#take(answer));
    stream.on('error', (error) => {
      if (error.code !== grpc.status.CANCELLED) throw error;
    });
    return stream;
  }

  #take({ watchId, created, canceled, events }) {
    if (created) {
      const { key, callback, resolve } = this.#asked.shift();
      this.#callbacks.set(watchId, (event) => callback(key, event.kv.value.toString()));
      resolve(watchId);
    } else if (canceled) {
      this.#callbacks.delete(watchId);
      this.#cancelled.get(watchId)();
    } else {
      events.forEach(this.#callbacks.get(watchId));
    }
  }
}
