import { expect, it } from '@jest/globals';
import { hostileRounds, hostileSeed, runHostile } from '../support/hostile-run.js';

const SCRIPT = new URL('support/hostile-input.mjs', import.meta.url);
const ROUNDS = hostileRounds(50);

it(`whatever it is called with, every public function ends with an answer or an error of ours (HOSTILE_SEED=${hostileSeed})`, async () => {
  const settings = { seed: hostileSeed, rounds: ROUNDS, endpoint: 'mem:' };
  const { counts, failures } = await runHostile(SCRIPT, settings, 15_000 + ROUNDS * 1000);
  expect(failures).toEqual([]);
  expect(counts['all']).toBeGreaterThan(ROUNDS * 60);
  // Neither is everything refused nor everything taken: what is almost right gets far.
  expect(counts['refused']).toBeGreaterThan(counts['all']! / 10);
  expect(counts['answered']).toBeGreaterThan(counts['all']! / 10);
});
