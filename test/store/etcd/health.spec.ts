import { describe, expect, it } from '@jest/globals';
import { setImmediate as endOfTurn, setTimeout as delay } from 'node:timers/promises';
import { CallError, NotSentError } from '../../../lib/store/etcd/call-errors.js';
import { Calls } from '../../../lib/store/etcd/calls.js';
import { Code } from '../../../lib/store/etcd/error-table.js';
import { membersHealth } from '../../../lib/store/etcd/health.js';
import { HistoryGuard } from '../../../lib/store/etcd/history-guard.js';
import type { Member } from '../../../lib/store/etcd/member.js';
import { TokenSource } from '../../../lib/store/etcd/token.js';
import type { MemberHealth } from '../../../lib/store/store.js';
import { block } from '../../support/block.js';
import { header } from './fake-member.js';

const TIMEOUT_MS = 1000;

const LEADER = '8630161756594109333';
const NEVER = (): Promise<never> => new Promise(() => {});
const fail = (error: Error) => async (): Promise<never> => {
  throw error;
};
const refused = fail(new NotSentError('connect ECONNREFUSED 127.0.0.1:1', false));
const status =
  (leader: string, errors: readonly string[] = []) =>
  async () => ({
    header: header(),
    leader,
    errors,
  });
const nobody = fail(new CallError(Code.INVALID_ARGUMENT, 'etcdserver: user name is empty'));
const denied = fail(new CallError(Code.PERMISSION_DENIED, 'etcdserver: permission denied'));
const read = async () => ({ header: header() });

type Answer = () => Promise<object>;

/** By the names of their methods. */
interface Answers {
  readonly status: Answer;
  readonly range: Answer;
  readonly txn?: Answer;
  readonly alarm?: Answer;
}

/** A server by what it answers to each of the questions. */
class Server {
  readonly url: string;
  readonly isReady = true;
  reads = 0;
  readonly #answers: Answers;

  constructor(name: string, answers: Answers) {
    this.url = `http://${name}:2379`;
    this.#answers = answers;
  }

  call(_service: string, method: keyof Answers): Promise<object> {
    if (method === 'range') this.reads++;
    return (this.#answers[method] ?? NEVER)();
  }
}

function check(...servers: Server[]): Promise<readonly MemberHealth[]> {
  const members = servers as unknown as readonly Member[];
  const calls = new Calls(members, new TokenSource(undefined), new HistoryGuard(() => undefined), 5000);
  return membersHealth(members, calls, TIMEOUT_MS);
}

async function checkOne(answers: Answers): Promise<MemberHealth> {
  const [health] = await check(new Server('a', answers));
  return health!;
}

describe('the check of a member', () => {
  it('tells of one that serves', async () => {
    expect(await checkOne({ status: status(LEADER), range: read })).toEqual({
      endpoint: 'http://a:2379',
      isReachable: true,
      hasLeader: true,
      read: 'answered',
      alarms: [],
      failure: undefined,
    });
  });

  it('names each alarm once, and nothing else that is listed with them', async () => {
    const errors = [
      'etcdserver: no leader',
      'memberID:8630161756594109333 alarm:NOSPACE ',
      'memberID:1 alarm:NOSPACE ',
      'memberID:2 alarm:CORRUPT ',
      'no alarm: all is well',
    ];
    const health = await checkOne({ status: status('0', errors), range: read });
    expect(health.alarms).toEqual(['NOSPACE', 'CORRUPT']);
    expect(health.hasLeader).toBe(false);
  });

  it('tells of one that answers only by itself, and why it did not answer the read', async () => {
    const health = await checkOne({ status: status('0'), range: NEVER });
    expect(health).toMatchObject({
      isReachable: true,
      hasLeader: false,
      read: 'unanswered',
      failure: `no answer within ${TIMEOUT_MS} ms`,
    });
  });

  it('tells of one where nobody listens, at once', async () => {
    const server = new Server('a', { status: refused, range: refused });
    const start = performance.now();
    const [health] = await check(server);
    expect(performance.now() - start).toBeLessThan(TIMEOUT_MS);
    expect(health).toMatchObject({
      isReachable: false,
      hasLeader: undefined,
      read: 'unanswered',
      failure: 'connect ECONNREFUSED 127.0.0.1:1',
    });
    expect(server.reads).toBe(1);
  });

  it('asks again one that answers with an error which may be over soon', async () => {
    const answers = [fail(new CallError(Code.UNAVAILABLE, 'etcdserver: leader changed')), read];
    const health = await checkOne({ status: status(LEADER), range: () => (answers.shift() ?? NEVER)() });
    expect(health).toMatchObject({ read: 'answered', failure: undefined });
  });

  it('tells of one that does not accept the user, and does not ask it again', async () => {
    const server = new Server('a', { status: status(LEADER), range: nobody });
    const failure = 'etcdserver: user name is empty';
    expect(await check(server)).toMatchObject([
      { read: 'refused', isReachable: true, hasLeader: true, failure },
    ]);
    expect(server.reads).toBe(1);
  });

  it('takes for an answer that the user may not read the key: it comes after a quorum was asked', async () => {
    const health = await checkOne({ status: status(LEADER), range: denied, txn: read });
    expect(health.read).toBe('answered');
  });
});

describe('the check of a member that does not tell its status', () => {
  const refusesOnce = (then: Answer): Answer => {
    const answers = [nobody];
    return () => (answers.shift() ?? then)();
  };

  it('to nobody in particular asks as the user', async () => {
    const health = await checkOne({
      status: refusesOnce(status('0', ['memberID:1 alarm:CORRUPT '])),
      range: NEVER,
    });
    expect(health).toMatchObject({ isReachable: true, hasLeader: false, alarms: ['CORRUPT'] });
  });

  it('to this user either asks for the alarms, and takes an answered read for a leader', async () => {
    const alarms = [{ alarm: 1 }, { alarm: 1 }, { alarm: 9 }];
    // Without a header, as etcd 3.4 answers.
    const alarm = async () => ({ alarms });
    const health = await checkOne({ status: refusesOnce(denied), range: read, alarm });
    expect(health).toMatchObject({ read: 'answered', hasLeader: true, alarms: ['NOSPACE', 'ALARM_9'] });
  });

  it('says that it can be reached, whatever else it leaves unanswered', async () => {
    const health = await checkOne({ status: refusesOnce(NEVER), range: NEVER });
    expect(health).toMatchObject({ isReachable: true, hasLeader: undefined, read: 'unanswered', alarms: [] });
  });
});

describe('the check of several members', () => {
  it('does not wait for a silent one for long, once another has answered', async () => {
    const dead = new Server('dead', { status: NEVER, range: NEVER });
    const slow = new Server('slow', {
      status: status(LEADER),
      range: async () => {
        await delay(50);
        return read();
      },
    });
    const start = performance.now();
    const health = await check(dead, new Server('quick', { status: status(LEADER), range: read }), slow);
    expect(performance.now() - start).toBeLessThan(TIMEOUT_MS);
    expect(health.map((one) => one.read)).toEqual(['unanswered', 'answered', 'answered']);
    expect(health.map(({ endpoint }) => endpoint)).toEqual([
      'http://dead:2379',
      'http://quick:2379',
      'http://slow:2379',
    ]);
  });

  it('ends in time when nobody answers', async () => {
    const silent = ['a', 'b'].map((name) => new Server(name, { status: NEVER, range: NEVER }));
    const start = performance.now();
    const health = await check(...silent);
    const tookMs = performance.now() - start;
    expect(tookMs).toBeGreaterThan(TIMEOUT_MS - 5);
    expect(health).toHaveLength(2);
    expect(health.every(({ isReachable }) => !isReachable)).toBe(true);
  });

  it('asks nobody any more when it is over', async () => {
    const flaky = new Server('flaky', {
      status: NEVER,
      range: fail(new CallError(Code.UNAVAILABLE, 'etcdserver: no leader')),
    });
    await check(flaky, new Server('well', { status: status(LEADER), range: read }));
    const { reads } = flaky;
    expect(reads).toBeGreaterThan(1);
    await delay(300);
    expect(flaky.reads).toBe(reads);
  });

  it('passes over no answer that came while the event loop was blocked', async () => {
    const late = new Server('late', {
      status: status(LEADER),
      // As what a socket has received, it is looked at after the timers.
      range: () => endOfTurn().then(read),
    });
    // From here on timers come before what was received.
    await endOfTurn();
    const blocked = check(late);
    block(TIMEOUT_MS + 50);
    expect(await blocked).toMatchObject([{ read: 'answered' }]);
  });
});
