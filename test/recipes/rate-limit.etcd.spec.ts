import { expect, it } from '@jest/globals';
import { FleetRateLimit } from '../../sample/recipes/rate-limit.js';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { Fleet } from './support/fleet.js';

const REPLICAS = 4;
const CALLS = 100;

it('allows four replicas that ask at the same time no more than one', async () => {
  await using etcd = await startEtcd();
  const fleet = new Fleet(etcd.endpoint);
  const rate = { perSec: 1, burst: 100, batch: 7 };
  const nowMs = Date.now();
  const limits: FleetRateLimit[] = [];
  for (let replica = 0; replica < REPLICAS; replica++) {
    limits.push(new FleetRateLimit(await fleet.operator(), 'rate/mail', rate, () => nowMs));
  }
  const calls = limits.flatMap((limit) => Array.from({ length: CALLS }, () => limit.tryTake()));
  const allowed = (await Promise.all(calls)).filter(Boolean).length;
  expect(allowed).toBe(rate.burst);
});
