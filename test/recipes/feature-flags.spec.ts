import { describe, expect, it } from '@jest/globals';
import { FeatureFlags } from '../../sample/recipes/feature-flags.js';
import { poll } from '../support/etcd/poll.js';
import { Fleet } from './support/fleet.js';

async function startFleet() {
  const fleet = new Fleet();
  const operator = await fleet.operator();
  const providers = [FeatureFlags];
  const replicas = [await fleet.replica({ providers }), await fleet.replica({ providers })];
  return { fleet, operator, flags: replicas.map((app) => app.get(FeatureFlags)) };
}

async function until(flags: FeatureFlags[], ask: (flags: FeatureFlags) => boolean): Promise<void> {
  await poll('each replica has heard of it', () => flags.every(ask) || undefined);
}

const USERS = Array.from({ length: 1000 }, (_, number) => `user-${number}`);
const usersOf = (flags: FeatureFlags, name: string): string[] =>
  USERS.filter((user) => flags.isOn(name, user));

describe('feature flags', () => {
  it('are off until somebody sets them, on and off again on every replica', async () => {
    const { operator, flags } = await startFleet();
    expect(flags.map((one) => one.isOn('search'))).toEqual([false, false]);
    await flags[0]!.set('search', { on: true });
    await until(flags, (one) => one.isOn('search') && one.isOn('search', 'alice'));
    await operator.delete('flags/search');
    await until(flags, (one) => !one.isOn('search'));
  });

  it('are known before the application is up', async () => {
    const { fleet, operator } = await startFleet();
    await operator.store('flags/search', '{"on": true}');
    const late = await fleet.replica({ providers: [FeatureFlags] });
    expect(late.get(FeatureFlags).isOn('search')).toBe(true);
  });

  it('give a share of the users the feature, the same on every replica, who keep it when the share grows', async () => {
    const { flags } = await startFleet();
    await flags[0]!.set('search', { on: true, percent: 20, users: ['alice'] });
    await until(flags, (one) => one.isOn('search', 'alice'));
    const [few, fewElsewhere] = flags.map((one) => usersOf(one, 'search'));
    expect(fewElsewhere).toEqual(few);
    expect(few!.length).toBeGreaterThan(150);
    expect(few!.length).toBeLessThan(250);
    expect(flags[0]!.isOn('search')).toBe(false);
    await flags[1]!.set('search', { on: true, percent: 50 });
    await until(flags, (one) => usersOf(one, 'search').length > 250);
    expect(usersOf(flags[0]!, 'search')).toEqual(expect.arrayContaining(few!));
    await flags[1]!.set('checkout', { on: true, percent: 20 });
    await until(flags, (one) => usersOf(one, 'checkout').length > 0);
    expect(usersOf(flags[0]!, 'checkout')).not.toEqual(few);
  });

  it('stay what they were when somebody writes what is no flag', async () => {
    const { fleet, operator, flags } = await startFleet();
    await operator.store('flags/search', '{"on": true}');
    await until(flags, (one) => one.isOn('search'));
    await operator.store('flags/search', 'off');
    await fleet.logger.line('error', /search is no good/);
    await operator.store('flags/checkout', '{"on": true}');
    await until(flags, (one) => one.isOn('checkout'));
    expect(flags.map((one) => one.isOn('search'))).toEqual([true, true]);
    await expect(flags[0]!.set('search', { on: true, percent: 101 })).rejects.toMatchObject({
      name: 'ZodError',
    });
  });
});
