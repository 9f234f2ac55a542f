import { connect, connectWriter } from '../contenders/connect.mjs';
import { keysOf, pairsOf, VALUES } from '../data.mjs';
import { throughput } from '../throughput.mjs';

/** A multiple of each number in flight: calls under way at once have different keys. */
const KEYS = 4_096;
const IN_FLIGHT = [1, 16, 256, 1_024];

const WARM_UP_CALLS = 8_192;
const WARM_UP_IN_FLIGHT = 64;
const WARM_UP_ALONE = 1_000;

const TARGETS = {
  'etcd/get/1': [{ against: 'etcd3', atLeast: 0.95 }],
  'etcd/get/16': [{ against: 'etcd3', atLeast: 4 }],
  'etcd/get/256': [{ against: 'etcd3', atLeast: 14 }],
  'etcd/store/1': [{ against: 'etcd3', atLeast: 0.9 }],
  'etcd/store/16': [{ against: 'etcd3', atLeast: 2.5 }],
  'etcd/store/256': [{ against: 'etcd3', atLeast: 10 }],
  'etcd/tas/256': [{ against: 'etcd3', atLeast: 4 }],
  'etcd/transaction/256': [{ against: 'etcd3', atLeast: 4 }],
  'mem/get/1': [{ atLeast: 1_000_000 }, { against: 'map', atLeast: 0.3 }],
  'mem/store/1': [{ atLeast: 1_000_000 }, { against: 'map', atLeast: 0.3 }],
};

/** Each makes the call of a number. */
const OPERATIONS = {
  get: (client, keys) => (call) => client.get(keys[call % KEYS]),

  store: (client, keys) => (call) => client.store(keys[call % KEYS], VALUES[0]),

  tas(client, keys) {
    const turns = new Uint8Array(KEYS);
    return async (call) => {
      const at = call % KEYS;
      const turn = turns[at];
      if (!(await client.tas(keys[at], VALUES[turn], VALUES[1 - turn])))
        throw new Error('A TAS was not set.');
      turns[at] = 1 - turn;
    };
  },

  transaction(client, keys) {
    const thenKeys = keys.map((key) => `${key}/then`);
    const elseKeys = keys.map((key) => `${key}/else`);
    return async (call) => {
      const at = call % KEYS;
      const held = await client.transaction(
        keys[at],
        '=',
        VALUES[0],
        thenKeys[at],
        VALUES[1],
        elseKeys[at],
        VALUES[1],
      );
      if (!held) throw new Error('The condition of a transaction was false.');
    };
  },

  mixed: (client, keys) => (call) =>
    call % 5 === 0 ? client.store(keys[call % KEYS], VALUES[0]) : client.get(keys[call % KEYS]),
};

const NAMES = { tas: 'TAS', mixed: 'mixed, 80 % gets' };

export function rows() {
  return ['etcd', 'mem'].flatMap((store) =>
    Object.keys(OPERATIONS).flatMap((operation) =>
      IN_FLIGHT.map((inFlight) => rowOf(store, operation, inFlight)),
    ),
  );
}

function rowOf(store, operation, inFlight) {
  const id = `${store}/${operation}/${inFlight}`;
  const howMany = inFlight === 1 ? 'one at a time' : `${inFlight.toLocaleString('en')} in flight`;
  return {
    id,
    store,
    title: `${NAMES[operation] ?? operation}, ${howMany}`,
    unit: '/s',
    contenders: store === 'etcd' ? ['ours', 'etcd3', 'raw'] : ['ours', 'map'],
    targets: TARGETS[id] ?? [],
    operation,
    inFlight,
  };
}

export async function begin({ operation, inFlight }, contender, endpoint, { measureMs, quick }) {
  const client = await connect(contender, endpoint);
  const keys = keysOf(`bench/${contender}`, KEYS);
  const writer = await connectWriter(client, endpoint);
  await writer.storeAll(pairsOf(keys));
  await writer.close();
  const call = OPERATIONS[operation](client, keys);
  if (!quick) await warmUp(call);
  const measure = await throughput(call, inFlight, measureMs);
  return { measure, end: () => client.close() };
}

/** As in a service that has been running: code that Node has not compiled yet is slow in whoever has more of it. */
async function warmUp(call) {
  for (let first = 0; first < WARM_UP_CALLS; first += WARM_UP_IN_FLIGHT) {
    await Promise.all(Array.from({ length: WARM_UP_IN_FLIGHT }, (_, at) => call(first + at)));
  }
  for (let number = 0; number < WARM_UP_ALONE; number++) await call(number);
}
