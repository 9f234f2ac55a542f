import { expect, it } from '@jest/globals';
import { findingsOf } from './fire/findings.js';
import { underFire } from './fire/fire.js';

// In full: FIRE_SECONDS=600 npm run test:faults -- --testPathPatterns under-fire
// As a soak with 50 clients: FIRE_SECONDS=1200 FIRE_PROCESSES=5 FIRE_CLIENTS=10 FIRE_REST_MS=1500 npm run …
const SECONDS = Number(process.env.FIRE_SECONDS ?? 120);
const SEED = Number(process.env.FIRE_SEED ?? 1);
const PROCESSES = Number(process.env.FIRE_PROCESSES ?? 4);
const CLIENTS_OF_PROCESS = Number(process.env.FIRE_CLIENTS ?? 3);
const REST_MS = Number(process.env.FIRE_REST_MS ?? 40);

const APPLICATIONS = 3;
/** What there must be at least, however busy the machine is. */
const FAULTS = SECONDS / 6;
const OPERATIONS = SECONDS * 50;
/** Few enough to have an order searched for: on each key of a family so many clients at a time. */
const CLIENTS_OF_KEY = 4;

const MAY_BE_NONE = new Set([
  'ambiguous',
  'unfenced writes behind a later token',
  'leases expired by a leader of before',
]);

const NOTHING = { violations: {}, undecided: [], strange: [], grown: [] };

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

it(
  `keeps every promise through ${SECONDS} seconds of faults`,
  async () => {
    const { folder, counts, faults, ...findings } = await underFire({
      seconds: SECONDS,
      seed: SEED,
      processes: PROCESSES,
      applications: APPLICATIONS,
      clients: CLIENTS_OF_PROCESS,
      slots: Math.ceil((PROCESSES * CLIENTS_OF_PROCESS) / CLIENTS_OF_KEY),
      restMs: REST_MS,
      requestTimeoutMs: 4000,
      sessionTtlSec: 4,
    });
    process.stdout.write(`Seed ${SEED}: ${JSON.stringify({ counts, faults }, undefined, 1)}\n`);
    const found = await findingsOf(folder, SEED, findings);

    expect(found).toEqual(NOTHING);
    expect(counts.operations).toBeGreaterThan(OPERATIONS);
    expect(sum(Object.values(faults))).toBeGreaterThan(FAULTS);
    // That no journal was empty by mistake.
    expect(Object.entries(counts).filter(([name, count]) => count === 0 && !MAY_BE_NONE.has(name))).toEqual(
      [],
    );
  },
  SECONDS * 3000 + 240_000,
);
