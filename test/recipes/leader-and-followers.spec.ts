import { expect, it } from '@jest/globals';
import { Exchange, RateFeed, Rates } from '../../sample/recipes/leader-and-followers.js';
import { close } from '../nest/support/apps.js';
import { poll } from '../support/etcd/poll.js';
import { Fleet } from './support/fleet.js';

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

/** Gives each replica a rate of its own. */
const startReplica = (fleet: Fleet, euro: number) => {
  const exchange: Exchange = { euro: async () => euro };
  return fleet.replica({ providers: [RateFeed, Rates, { provide: Exchange, useValue: exchange }] });
};

const orError = <T>(ask: () => T): T | string => {
  try {
    return ask();
  } catch (error) {
    return (error as Error).message;
  }
};

it('has one replica write what all of them answer, and another when that one is shut down', async () => {
  const fleet = new Fleet();
  const replicas = [await startReplica(fleet, 1), await startReplica(fleet, 2)] as const;
  const [first, second] = replicas.map((app) => app.get(RateFeed)) as [RateFeed, RateFeed];
  const rates = replicas.map((app) => app.get(Rates));
  await poll('the first leads', () => first.isLeading || undefined);
  await poll(
    'both know its rate',
    () => rates.every((rate) => orError(() => rate.euro(YEAR_MS)) === 1) || undefined,
  );
  expect(second.isLeading).toBe(false);
  expect(await second.leader()).toMatchObject({ pid: process.pid });

  await close(replicas[0]);
  await poll('the second leads', () => second.isLeading || undefined);
  expect(first.isLeading).toBe(false);
  await poll('its rate is known', () => rates[1]!.euro(YEAR_MS) === 2 || undefined);
});

it('does not answer without a rate, nor with one that is too old', async () => {
  const fleet = new Fleet();
  const kvi = await fleet.operator();
  const never: Exchange = { euro: () => new Promise(() => {}) };
  const app = await fleet.replica({ providers: [Rates, { provide: Exchange, useValue: never }] });
  const rates = app.get(Rates);
  expect(() => rates.euro(YEAR_MS)).toThrow(/No leader has written/);
  await kvi.store('rates/usd', '{"euro": 1.5, "at": "2001-01-01T00:00:00.000Z"}');
  await poll(
    'the rate is too old',
    () => /2001-01-01/.exec(String(orError(() => rates.euro(YEAR_MS)))) ?? undefined,
  );
});
