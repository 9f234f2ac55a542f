import { expect, it } from '@jest/globals';
import { PUT } from '../../lib/kvi/key-change.js';
import { InvalidArgumentError } from '../../lib/store/errors.js';
import { allKeys, type Fixture } from './backend.js';

export function healthContract(fixture: Fixture): void {
  it('of a store that serves is that of each of its servers, and leaves nothing behind', async () => {
    const kvi = await fixture.open();
    const keys = await allKeys(fixture.foreign);
    expect(await kvi.health()).toEqual({
      status: 'healthy',
      reason: undefined,
      members: [
        {
          endpoint: fixture.endpoint,
          isReachable: true,
          hasLeader: true,
          read: 'answered',
          alarms: [],
          failure: undefined,
        },
      ],
      session: { state: 'none' },
      watchesBehindMs: 0,
    });
    expect(await allKeys(fixture.foreign)).toEqual(keys);
  });

  it('tells of the session for as long as it lives', async () => {
    const kvi = await fixture.open({ sessionTtlSec: 60 });
    const lock = await kvi.lock('jobs');
    const { session } = await kvi.health();
    expect(session).toEqual({ state: 'live', lostInMs: expect.any(Number) });
    const { lostInMs } = session as { lostInMs: number };
    expect(lostInMs).toBeGreaterThan(0);
    expect(lostInMs).toBeLessThan(60_000);
    await lock.release();
  });

  it('says that watches and views which are connected are not behind', async () => {
    const kvi = await fixture.open();
    await kvi.observe({ prefix: 'k/' });
    await kvi.watchWithCB('k', PUT, () => undefined);
    expect(await kvi.health({ watchesBehindMs: 0 })).toMatchObject({ status: 'healthy', watchesBehindMs: 0 });
  });

  it('of a closed handle says that it is closed', async () => {
    const kvi = await fixture.open();
    await kvi.close();
    expect(await kvi.health()).toMatchObject({ status: 'closed', members: [], session: { state: 'none' } });
  });

  it('is no error of a store that was closed under it', async () => {
    await fixture.foreign.close();
    expect(await fixture.foreign.health(1000)).toMatchObject({
      members: [{ isReachable: false, read: 'unanswered', failure: expect.stringMatching(/closed/) }],
      watchesCutOffMs: undefined,
    });
  });

  it.each([
    [{ timeoutMs: 0 }, /options\.timeoutMs .*milliseconds above 0, but is 0/],
    [{ timeoutMs: Number.POSITIVE_INFINITY }, /options\.timeoutMs .*Infinity/],
    [{ watchesBehindMs: -1 }, /options\.watchesBehindMs .*-1/],
    [{ signal: {} }, /options\.signal must be an AbortSignal/],
    [{ timeout: 1 }, /options\.timeout is not an option/],
  ])('refuses %j', async (options, message) => {
    const kvi = await fixture.open();
    const refused = kvi.health(options as never);
    await expect(refused).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(refused).rejects.toThrow(message);
  });
}
