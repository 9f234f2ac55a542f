/**
 * How fast the embedded store is, against an async function around a plain Map in the same run: absolute numbers
 * are the machine's, the ratios are the library's. Run by `npm run bench`.
 */
import { open } from 'nestjs-hmetcd';

const KEYS = Array.from({ length: 10_000 }, (_, i) => keyAt(i));
const VALUE = 'a value of some thirty letters';
const ROUNDS = 5;

function keyAt(i) {
  return `bench/${String(i).padStart(7, '0')}`;
}

/** The calls per second of the best round: what disturbs a round only ever makes it slower. */
async function fastest(calls, doCalls) {
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await doCalls(calls);
    best = Math.max(best, (calls / (performance.now() - start)) * 1000);
  }
  return best;
}

const silent = { debug() {}, log() {}, warn() {}, error() {} };

const map = new Map();
const aroundMap = {
  async get(key) {
    return map.get(key);
  },
  async store(key, value) {
    map.set(key, value);
  },
};

function getting(target) {
  return async (calls) => {
    for (let i = 0; i < calls; i++) await target.get(KEYS[i % KEYS.length]);
  };
}

function storing(target) {
  return async (calls) => {
    for (let i = 0; i < calls; i++) await target.store(KEYS[i % KEYS.length], VALUE);
  };
}

/** Ranges of 1,000 keys per second, among `size` keys. */
async function ranges(size) {
  const kvi = await open(`mem:bench-${size}`, { logger: silent });
  for (let i = 0; i < size; i++) await kvi.store(keyAt(i), VALUE);
  const middle = size / 2;
  const perSecond = await fastest(500, async (calls) => {
    for (let i = 0; i < calls; i++) {
      const found = await kvi.getRange(keyAt(middle), keyAt(middle + 999));
      if (found.length !== 1_000) throw new Error(`${found.length} keys instead of 1,000`);
    }
  });
  await kvi.close();
  return perSecond;
}

function row(what, perSecond, comparison = '') {
  console.log(
    `${what.padEnd(40)}${Math.round(perSecond).toLocaleString('en').padStart(12)} /s  ${comparison}`,
  );
}

function ratio(part, whole) {
  return (part / whole).toFixed(2);
}

async function compare(what, doCalls) {
  const plain = await fastest(1_000_000, doCalls(aroundMap));
  const ours = await fastest(1_000_000, doCalls(kvi));
  row(`${what}, async function around a Map`, plain);
  row(what, ours, `${ratio(ours, plain)} of the Map`);
}

const kvi = await open('mem:bench', { logger: silent });
await compare('store', storing);
await compare('get', getting);

const locks = await fastest(20_000, async (calls) => {
  for (let i = 0; i < calls; i++) await (await kvi.lock('bench-lock')).release();
});
row('lock and unlock, uncontended', locks);
await kvi.close();

const few = await ranges(10_000);
const many = await ranges(1_000_000);
row('range of 1,000 among 10,000 keys', few);
row('range of 1,000 among 1,000,000 keys', many, `takes ${ratio(few, many)} times as long`);
