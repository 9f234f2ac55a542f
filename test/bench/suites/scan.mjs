import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { keyAt, pairsOf } from '../data.mjs';

const SCRIPT = fileURLToPath(new URL('../processes/scan.mjs', import.meta.url));
const PREFIX = 'bench/scan';
const FILLED_AT_ONCE = 10_000;
const MEBIBYTE = 1024 ** 2;

/** They take long, and hardly differ. */
const MOST_ROUNDS = 3;

export function rows({ quick }) {
  const keys = quick ? 50_000 : 1_000_000;
  return [
    {
      id: 'etcd/scan',
      store: 'etcd',
      title: `extra memory of a scan of ${keys.toLocaleString('en')} keys`,
      unit: 'MiB',
      contenders: ['ours'],
      targets: [{ atMost: 64 }],
      mostRounds: MOST_ROUNDS,
      keys,
    },
  ];
}

export async function fill(writer, [{ keys }]) {
  for (let start = 0; start < keys; start += FILLED_AT_ONCE) {
    const some = Array.from({ length: FILLED_AT_ONCE }, (_, index) => keyAt(PREFIX, start + index));
    await writer.storeAll(pairsOf(some));
  }
}

export async function begin({ keys: expected }, contender, endpoint) {
  async function measure() {
    const args = ['--expose-gc', SCRIPT, endpoint, PREFIX];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { keys, grewBy } = JSON.parse(stdout);
    if (keys !== expected) throw new Error(`The scan read ${keys} keys instead of ${expected}.`);
    return grewBy / MEBIBYTE;
  }

  return { measure, end: async () => undefined };
}
