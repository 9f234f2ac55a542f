import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { judgeHealth } from '../../lib/kvi/health.js';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { UnavailableError } from '../../lib/store/errors.js';
import type { MemberHealth, StoreHealth } from '../../lib/store/store.js';
import { BreakableWatches } from '../support/breakable-watches.js';
import type { InterceptedStore } from '../support/intercepted-store.js';
import { Workbench } from '../support/workbench.js';

const TTL_MS = 10_000;

const WELL: MemberHealth = {
  endpoint: 'http://a:2379',
  isReachable: true,
  hasLeader: true,
  read: 'answered',
  alarms: [],
  failure: undefined,
};
const DEAD: MemberHealth = {
  endpoint: 'http://b:2379',
  isReachable: false,
  hasLeader: undefined,
  read: 'unanswered',
  alarms: [],
  failure: 'connect ECONNREFUSED',
};
const ALONE: MemberHealth = {
  endpoint: 'http://c:2379',
  isReachable: true,
  hasLeader: false,
  read: 'unanswered',
  alarms: [],
  failure: 'no answer within 900 ms',
};
const REFUSING: MemberHealth = {
  endpoint: 'http://d:2379',
  isReachable: true,
  hasLeader: true,
  read: 'refused',
  alarms: [],
  failure: 'invalid auth token',
};

const CALM = { session: { state: 'none' }, brokenMs: [], timeoutMs: 1000, tolerableMs: 5000 } as const;

function judge(members: readonly MemberHealth[], watchesCutOffMs?: number) {
  return judgeHealth({ ...CALM, store: { members, watchesCutOffMs } });
}

describe('the health of a store', () => {
  it.each<[string, MemberHealth[], string, RegExp]>([
    ['of which one server answers is healthy', [DEAD, ALONE, WELL], 'healthy', /^undefined$/],
    [
      'of which nobody answers is unreachable',
      [DEAD, { ...DEAD, endpoint: 'http://x:2379' }],
      'unreachable',
      /^No server of the store answered within 1000 ms: http:\/\/b:2379: connect ECONNREFUSED; http:\/\/x/,
    ],
    [
      'that answers no linearizable read has no quorum',
      [DEAD, ALONE],
      'no-quorum',
      /1 of 2 servers can be reached: quorum or leader is lost\. .*http:\/\/c:2379: knows no leader, no answer/,
    ],
    [
      'that does not accept its user is refused, whoever else does not answer',
      [DEAD, REFUSING, ALONE],
      'refused',
      /does not accept the user, password or certificate: .*invalid auth token/,
    ],
    [
      'with an alarm is named with it, once, and with what to do',
      [
        { ...WELL, alarms: ['NOSPACE'] },
        { ...WELL, alarms: ['NOSPACE', 'CORRUPT'] },
      ],
      'alarm',
      /^The store raised an alarm: NOSPACE, CORRUPT\. Writes are refused\. .*defragment/,
    ],
  ])('%s', (_what, members, status, reason) => {
    const health = judge(members);
    expect(health.status).toBe(status);
    expect(health.members).toBe(members);
    expect(String(health.reason)).toMatch(reason);
  });

  it('counts watches that are cut off for longer than is tolerable', () => {
    expect(judge([WELL], 5000)).toMatchObject({ status: 'healthy', watchesBehindMs: 5000 });
    expect(judge([WELL], 5001)).toMatchObject({
      status: 'watches-behind',
      reason: expect.stringMatching(/cut off for 5001 ms/),
    });
  });

  it('names everything that is wrong, the gravest first', () => {
    const store: StoreHealth = { members: [{ ...ALONE, alarms: ['NOSPACE'] }], watchesCutOffMs: 1 };
    const session = { state: 'at-risk', lostInMs: 100 } as const;
    const health = judgeHealth({ ...CALM, store, session, brokenMs: [7000, 6000] });
    expect(health).toMatchObject({ status: 'no-quorum', session, watchesBehindMs: 7000 });
    expect(health.reason).toMatch(/linearizable.* NOSPACE.* lost in 100 ms.* cut off for 7000 ms/s);
  });
});

describe('the health of a handle', () => {
  let bench: Workbench;
  let kvi: Kvi;
  let store: InterceptedStore;
  beforeEach(() => {
    bench = new Workbench();
    ({ kvi, store } = bench.open());
  });
  afterEach(() => bench.dispose());

  it('that has done nothing is that of its store', async () => {
    expect(await kvi.health()).toEqual({
      status: 'healthy',
      reason: undefined,
      members: [{ ...WELL, endpoint: 'mem:' }],
      session: { state: 'none' },
      watchesBehindMs: 0,
    });
    expect(store.countOf('leaseGrant')).toBe(0);
  });

  it('leaves the store less time than it has itself', async () => {
    await kvi.health();
    await kvi.health({ timeoutMs: 200 });
    expect(store.calls.map(({ request }) => request)).toEqual([900, 180]);
  });

  it('tells how long its session has, anew with each keep-alive', async () => {
    await kvi.lock('jobs');
    const { session } = await kvi.health();
    expect(session).toEqual({ state: 'live', lostInMs: TTL_MS - 1000 });
    await bench.clock.advance(TTL_MS * 0.9);
    expect((await kvi.health()).session).toMatchObject({ state: 'live' });
  });

  it('is at risk when keep-alives are not answered, before the session is lost; and then its loss is no more news', async () => {
    await kvi.lock('jobs');
    store.intercept('leaseKeepAlive', () => Promise.reject(new UnavailableError('down')));
    await bench.clock.advance(TTL_MS / 2);
    expect((await kvi.health()).status).toBe('healthy');
    await bench.clock.advance(TTL_MS / 4);
    expect(await kvi.health()).toMatchObject({
      status: 'session-at-risk',
      reason: expect.stringMatching(/lost in 1500 ms/),
      session: { state: 'at-risk', lostInMs: TTL_MS - 1000 - 0.75 * TTL_MS },
    });
    await bench.clock.advance(TTL_MS / 4);
    expect(await kvi.health()).toMatchObject({ status: 'healthy', session: { state: 'lost' } });
    store.intercept('leaseKeepAlive', undefined);
    await kvi.lock('jobs');
    expect((await kvi.health()).session).toMatchObject({ state: 'live' });
  });

  it('is at risk no more when a keep-alive is answered', async () => {
    await kvi.lock('jobs');
    store.intercept('leaseKeepAlive', () => Promise.reject(new UnavailableError('down')));
    await bench.clock.advance(TTL_MS * 0.75);
    store.intercept('leaseKeepAlive', undefined);
    await bench.clock.advance(500);
    expect(await kvi.health()).toMatchObject({ status: 'healthy', session: { state: 'live' } });
  });

  it('counts a view that has nothing to follow, from when it had it last, until it has it again or is closed', async () => {
    const line = new BreakableWatches(store);
    const view = await kvi.observe({ prefix: '' });
    line.cut();
    await bench.clock.advance(4000);
    const { status, watchesBehindMs } = await kvi.health();
    expect(status).toBe('healthy');
    expect(watchesBehindMs).toBeGreaterThanOrEqual(4000);
    await bench.clock.advance(2000);
    expect((await kvi.health()).status).toBe('watches-behind');
    expect(await kvi.health({ watchesBehindMs: 10_000 })).toMatchObject({ status: 'healthy' });
    line.mend();
    await bench.clock.advance(5000);
    expect(await kvi.health({ watchesBehindMs: 0 })).toMatchObject({ status: 'healthy', watchesBehindMs: 0 });
    line.cut();
    await bench.clock.advance(6000);
    await view.close();
    expect(await kvi.health()).toMatchObject({ status: 'healthy', watchesBehindMs: 0 });
  });

  it('is that of a closed handle once it is closed, also while it is asked', async () => {
    let answer = (): void => {};
    store.intercept('health', async (proceed) => {
      const health = await proceed();
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return health;
    });
    const asked = kvi.health();
    await kvi.close();
    answer();
    const closed = { status: 'closed', reason: expect.stringMatching(/closed/), members: [] };
    expect(await asked).toMatchObject(closed);
    expect(await kvi.health()).toMatchObject(closed);
    expect(store.countOf('health')).toBe(1);
  });

  it('is asked for no longer than until a signal aborts', async () => {
    store.intercept('health', () => new Promise<never>(() => {}));
    const reason = new Error('enough');
    const before = new AbortController();
    before.abort(reason);
    await expect(kvi.health({ signal: before.signal })).rejects.toBe(reason);
    const meanwhile = new AbortController();
    const asked = kvi.health({ signal: meanwhile.signal });
    meanwhile.abort(reason);
    await expect(asked).rejects.toBe(reason);
  });
});
