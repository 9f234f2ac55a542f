import { expect, it } from '@jest/globals';
import { underFire } from './fire/fire.js';

const SECONDS = Number(process.env.FIRE_SECONDS ?? 60);
const SEED = Number(process.env.FIRE_SEED ?? 1);

it(
  'keeps every promise',
  async () => {
    const { violations, undecided, strange, counts, folder } = await underFire({
      seconds: SECONDS,
      seed: SEED,
      processes: 4,
      applications: 0,
      clients: 3,
      slots: 3,
      restMs: 40,
      requestTimeoutMs: 4000,
      sessionTtlSec: 4,
    });
    console.log(JSON.stringify({ counts, folder }, undefined, 1));
    expect({ violations, undecided, strange }).toEqual({ violations: {}, undecided: [], strange: [] });
  },
  SECONDS * 3000 + 120_000,
);
