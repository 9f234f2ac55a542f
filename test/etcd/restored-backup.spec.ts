import { describe, expect, it } from '@jest/globals';
import { LockLostError } from '../../lib/kvi/errors.js';
import { StoreReplacedError } from '../../lib/store/errors.js';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';
import { connect } from './support/connect.js';
import { Follower } from './support/follower.js';

async function whenAborted(signal: AbortSignal): Promise<void> {
  await poll('the signal aborts', () => signal.aborted || undefined);
}

describe('a backup that is restored behind an endpoint', () => {
  it('ends the session and the watches with an error of their own, and new ones can be had', async () => {
    await using etcd = await startEtcd();
    await using connection = await connect(etcd.endpoint, { sessionTtlSec: 20 });
    const { kvi, logger } = connection;
    await kvi.store('k/before', '');
    const snapshot = await etcd.saveSnapshot();
    const lock = await kvi.lock('l');
    await using follower = new Follower(kvi, { prefix: 'k/' });
    for (let number = 0; number < 20; number++) await kvi.store('k/lost', String(number));
    await follower.reached('k/lost');
    await etcd.restoreSnapshot(snapshot);

    expect(await follower.failed()).toBeInstanceOf(StoreReplacedError);
    await whenAborted(lock.signal);
    expect(() => lock.assertHeld()).toThrow(LockLostError);
    expect(logger.at('warn')).toContainEqual(expect.stringMatching(/revision went back from \d+ to \d+/));
    // The backup knows the session's lease, which is given up with the next keep-alive all the same.
    await logger.line('error', /The session was lost: another history/);
    await using again = await kvi.lock('l');
    again.assertHeld();
    await using next = new Follower(kvi, { prefix: 'k/' }, 1);
    await kvi.store('k/after', '');
    await next.reached('k/after');
    expect(next.changes.map(({ key }) => key)).toEqual(['k/before', 'k/after']);
  }, 60_000);

  it('is noticed by a handle that only watches', async () => {
    await using etcd = await startEtcd();
    await using connection = await connect(etcd.endpoint);
    await using follower = new Follower(connection.kvi, { prefix: 'k/' });
    await etcd.ctl('put', 'k/early', '');
    await follower.reached('k/early');
    for (let number = 0; number < 10; number++) await etcd.ctl('put', 'k/old', String(number));
    const snapshot = await etcd.saveSnapshot();
    await etcd.ctl('put', 'k/lost', '');
    await follower.reached('k/lost');
    await etcd.restoreSnapshot(snapshot);

    expect(await follower.failed()).toBeInstanceOf(StoreReplacedError);
  }, 60_000);
});

describe('another cluster behind an endpoint', () => {
  it('is noticed although its revision is higher', async () => {
    await using etcd = await startEtcd();
    await using other = await startEtcd();
    for (let number = 0; number < 20; number++) await other.ctl('put', 'k/other', '');
    await using connection = await connect([etcd.endpoint, other.endpoint]);
    const { kvi, logger } = connection;
    await using follower = new Follower(kvi, { prefix: 'k/' });
    await kvi.store('k/before', '');
    await follower.reached('k/before');
    await etcd.kill();

    expect(await follower.failed()).toBeInstanceOf(StoreReplacedError);
    expect(follower.changes.map(({ key }) => key)).toEqual(['k/before']);
    expect(await logger.line('warn', /another cluster/)).toMatch(/at these endpoints/);
  }, 60_000);
});
