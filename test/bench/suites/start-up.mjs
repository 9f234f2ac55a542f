import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { contendersOn } from '../contenders/on-store.mjs';

const SCRIPT = fileURLToPath(new URL('../processes/start-up.mjs', import.meta.url));

export function rows() {
  return ['etcd', 'mem'].map((store) => ({
    id: `${store}/start-up`,
    store,
    title: 'start-up: import, open, first get',
    unit: 'ms',
    contenders: contendersOn(store),
    targets: [],
  }));
}

export async function begin(row, contender, endpoint) {
  async function measure() {
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, contender, endpoint]);
    return Number(stdout);
  }

  return { measure, end: async () => undefined };
}
