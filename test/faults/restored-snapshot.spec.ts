import { expect, it } from '@jest/globals';
import { findingsOf } from './fire/findings.js';
import { throughRestore } from './fire/restore.js';

const SEED = Number(process.env.FIRE_SEED ?? 1);

it('a cluster that is put back to an older backup is noticed by all who use it, who go on with what it holds', async () => {
  const { folder, counts, ...findings } = await throughRestore({
    seed: SEED,
    processes: 3,
    clients: 3,
    slots: 3,
    restMs: 40,
    requestTimeoutMs: 4000,
    sessionTtlSec: 4,
  });
  process.stdout.write(`Seed ${SEED}: ${JSON.stringify(counts, undefined, 1)}\n`);
  const found = await findingsOf(folder, SEED, findings);

  expect(found).toEqual({ violations: {}, undecided: [], strange: [] });
  expect(Object.entries(counts).filter(([, count]) => count === 0)).toEqual([]);
}, 120_000);
