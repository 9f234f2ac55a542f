import { describe, expect, it } from '@jest/globals';
import { type Kvi, UnavailableError } from 'nestjs-hmetcd';
import { FleetRateLimit, type Rate } from '../../sample/recipes/rate-limit.js';
import { Fleet } from './support/fleet.js';

const RATE: Rate = { perSec: 5, burst: 10, batch: 3 };

/** Limits of two replicas whose clock the test moves. */
async function startFleet(rate = RATE) {
  const fleet = new Fleet();
  const time = { ms: 1_000_000 };
  const handles = [await fleet.operator(), await fleet.operator()] as const;
  const limits = handles.map((kvi) => new FleetRateLimit(kvi, 'rate/mail', rate, () => time.ms));
  return { fleet, time, handles, limits };
}

/** How many of as many calls at once were allowed, on all replicas together. */
async function allowed(limits: FleetRateLimit[], callsOfEach: number): Promise<number> {
  const calls = limits.flatMap((limit) => Array.from({ length: callsOfEach }, () => limit.tryTake()));
  return (await Promise.all(calls)).filter(Boolean).length;
}

describe('a rate limit of a fleet', () => {
  it('allows the burst once, and then what flows in, over all replicas together', async () => {
    const { time, limits } = await startFleet();
    expect(await allowed(limits, 20)).toBe(10);
    expect(await allowed(limits, 20)).toBe(0);
    time.ms += 1000;
    expect(await allowed(limits, 20)).toBe(5);
    time.ms += 3_600_000;
    expect(await allowed(limits, 20)).toBe(10);
  });

  it('says when there will be something again, and asks nobody before', async () => {
    const { time, handles, limits } = await startFleet();
    await allowed(limits, 20);
    expect(limits[0]!.retryAfterMs).toBe(200);
    time.ms += 199;
    await handles[0].close();
    expect(await limits[0]!.tryTake()).toBe(false);
    time.ms += 1;
    await expect(limits[0]!.tryTake()).rejects.toMatchObject({ name: 'ClosedError' });
    expect(await limits[1]!.tryTake()).toBe(true);
  });

  it('asks the store once for each batch', async () => {
    const { fleet, time } = await startFleet();
    const kvi = await fleet.operator();
    const writes = { count: 0 };
    const counting = new Proxy(kvi, {
      get(target, name: 'tas' | 'createIfAbsent' | 'get') {
        if (name !== 'get') writes.count++;
        return target[name].bind(target);
      },
    });
    const limit = new FleetRateLimit(
      counting,
      'rate/bulk',
      { perSec: 1, burst: 100, batch: 20 },
      () => time.ms,
    );
    expect(await allowed([limit], 100)).toBe(100);
    expect(writes.count).toBe(5);
  });

  it('gives a clock that is behind nothing that was earned already', async () => {
    const { handles, limits, time } = await startFleet();
    const behind = new FleetRateLimit(handles[1], 'rate/mail', RATE, () => time.ms - 60_000);
    await allowed(limits, 20);
    time.ms += 1000;
    expect(await allowed([behind], 20)).toBe(0);
    expect(await allowed(limits, 20)).toBe(5);
    expect(await allowed([behind], 20)).toBe(0);
  });

  it('tells who asks that the store cannot be reached', async () => {
    const { time } = await startFleet();
    const unreachable = { get: () => Promise.reject(new UnavailableError('no')) } as unknown as Kvi;
    const limit = new FleetRateLimit(unreachable, 'rate/mail', RATE, () => time.ms);
    await expect(limit.tryTake()).rejects.toBeInstanceOf(UnavailableError);
    await expect(limit.tryTake()).rejects.toBeInstanceOf(UnavailableError);
  });
});
