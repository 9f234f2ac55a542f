import { describe, expect, it } from '@jest/globals';
import { InvalidArgumentError, LeaseNotFoundError } from '../../../lib/store/errors.js';
import { Leases } from '../../../lib/store/memory/leases.js';
import { TestClock } from '../../../lib/testing/test-clock.js';

function leasesOnAClock() {
  const clock = new TestClock();
  const expired: string[][] = [];
  const leases = new Leases(clock, (keys) => expired.push([...keys]));
  return { clock, leases, expired };
}

describe('Leases', () => {
  it.each([
    [0, 2],
    [1, 2],
    [1.9, 2],
    [2, 2],
    [2.1, 3],
    [10, 10],
  ])('asked for %d s they grant %d s: whole seconds, 2 at least', (wished, ttlSec) => {
    expect(leasesOnAClock().leases.grant(wished)).toEqual({ id: '1', ttlSec });
  });

  it('are granted for no longer than etcd grants them', () => {
    const { leases } = leasesOnAClock();
    expect(leases.grant(9_000_000_000).ttlSec).toBe(9_000_000_000);
    expect(() => leases.grant(9_000_000_001)).toThrow(InvalidArgumentError);
  });

  it('have ids of their own, in lower-case hexadecimal', () => {
    const { leases } = leasesOnAClock();
    const ids = Array.from({ length: 100 }, () => leases.grant(5).id);
    expect(new Set(ids).size).toBe(100);
    expect(ids.every((id) => /^[0-9a-f]+$/.test(id))).toBe(true);
  });

  it('expire when their time is over, not before, and once', async () => {
    const { clock, leases, expired } = leasesOnAClock();
    const { id } = leases.grant(3);
    leases.attach(id, 'a');
    leases.attach(id, 'b');
    await clock.advance(2_999);
    expect(expired).toEqual([]);
    await clock.advance(1);
    expect(expired).toEqual([['a', 'b']]);
    await clock.advance(10_000);
    expect(expired).toHaveLength(1);
    expect(clock.timerCount()).toBe(0);
  });

  it('expire in the order of their time', async () => {
    const { clock, leases, expired } = leasesOnAClock();
    for (const [ttlSec, key] of [
      [4, 'late'],
      [2, 'early'],
      [3, 'middle'],
    ] as const) {
      leases.attach(leases.grant(ttlSec).id, key);
    }
    await clock.advance(10_000);
    expect(expired).toEqual([['early'], ['middle'], ['late']]);
  });

  it('live a full time more from each keep-alive', async () => {
    const { clock, leases, expired } = leasesOnAClock();
    const { id } = leases.grant(3);
    for (let i = 0; i < 5; i++) {
      await clock.advance(2_900);
      expect(leases.keepAlive(id)).toBe(3);
    }
    await clock.advance(2_999);
    expect(expired).toHaveLength(0);
    await clock.advance(1);
    expect(expired).toHaveLength(1);
  });

  it('answer 0 to a keep-alive when they are gone', async () => {
    const { clock, leases } = leasesOnAClock();
    const { id } = leases.grant(3);
    expect(leases.keepAlive('dead')).toBe(0);
    await clock.advance(3_000);
    expect(leases.keepAlive(id)).toBe(0);
  });

  it('are over when their time is, also when no timer could run yet', async () => {
    const { clock, leases, expired } = leasesOnAClock();
    const { id } = leases.grant(3);
    leases.attach(id, 'a');
    clock.skip(3_000);
    expect(leases.keepAlive(id)).toBe(0);
    expect(() => leases.check(id)).toThrow(LeaseNotFoundError);
    expect(expired).toEqual([]);
    await clock.advance(0);
    expect(expired).toEqual([['a']]);
  });

  it('hand over their keys when ended, and do not expire any more', async () => {
    const { clock, leases, expired } = leasesOnAClock();
    const { id } = leases.grant(3);
    leases.attach(id, 'a');
    expect([...leases.end(id)]).toEqual(['a']);
    expect([...leases.end(id)]).toEqual([]);
    expect(() => leases.check(id)).toThrow(LeaseNotFoundError);
    expect(clock.timerCount()).toBe(0);
    await clock.advance(5_000);
    expect(expired).toEqual([]);
  });

  it('forget a key that is detached, and mind no strangers', () => {
    const { leases } = leasesOnAClock();
    const { id } = leases.grant(3);
    leases.attach(id, 'a');
    leases.attach(id, 'b');
    leases.detach(id, 'a');
    leases.detach(id, 'unknown');
    leases.attach('dead', 'a');
    leases.detach('dead', 'a');
    expect([...leases.end(id)]).toEqual(['b']);
  });

  it('keep no process alive', () => {
    const { clock, leases } = leasesOnAClock();
    leases.keepAlive(leases.grant(3).id);
    expect(clock.timerCount({ background: false })).toBe(0);
    expect(clock.timerCount()).toBe(1);
  });
});
