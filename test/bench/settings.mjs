import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';

const BY_DEFAULT = fileURLToPath(
  new URL('../../node_modules/.cache/nestjs-hmetcd/bench.json', import.meta.url),
);

export const USAGE = `npm run bench -- [--quick] [--only get,store] [--rounds 7] [--json FILE]
  --quick   in under a minute: what has a target, in fewer and shorter rounds and smaller sizes
  --only    all rows whose name contains one of these texts, as etcd/get, mem/, lock
  --rounds  how often each row is measured
  --json    where the results go; the chart goes beside them, as .svg`;

/** What the command line asks for. Throws with what it may be. */
export function settingsOf(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string' },
      json: { type: 'string', default: BY_DEFAULT },
    },
  });
  const rounds = Number(values.rounds ?? (values.quick ? 3 : 7));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number, 1 or more');
  if (!values.json.endsWith('.json')) throw new Error('--json must name a file that ends with .json');
  return {
    quick: values.quick,
    only: values.only?.split(','),
    rounds,
    measureMs: values.quick ? 80 : 500,
    json: values.json,
  };
}
