import { beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  AuthenticationError,
  ClosedError,
  OutcomeUnknownError,
  PermissionDeniedError,
  RequestTimeoutError,
  UnavailableError,
  RevisionOverflowError,
  StoreReplacedError,
} from '../../../lib/store/errors.js';
import { CallError, NotSentError } from '../../../lib/store/etcd/call-errors.js';
import { type Call, Calls } from '../../../lib/store/etcd/calls.js';
import { HistoryGuard } from '../../../lib/store/etcd/history-guard.js';
import { TokenSource } from '../../../lib/store/etcd/token.js';
import { FakeMember, header } from './fake-member.js';

/** Jest does not let its tests see what Node warns of. */
const WAITING = fileURLToPath(new URL('waiting-calls.mjs', import.meta.url));

const TIMEOUT_MS = 600;
const [INVALID_ARGUMENT, DEADLINE, DENIED, UNAVAILABLE, UNAUTHENTICATED] = [3, 4, 7, 14, 16];

const READ: Call<object> = {
  service: 'KV',
  method: 'range',
  payload: {},
  what: 'A read',
  isRepeatable: true,
  read: (response: object) => response,
};
const WRITE: Call<object> = { ...READ, method: 'txn', what: 'A write', isRepeatable: false };
const OK = { header: header() };
const BEYOND = { header: header(2, 2 ** 53) };

const refused = new CallError(UNAVAILABLE, 'No connection established. Last error: connect ECONNREFUSED');
const leaderFailure = new CallError(
  UNAVAILABLE,
  'etcdserver: request timed out, possibly due to previous leader failure',
);

/** Does not answer, which is found out so much sooner than the time is over. */
class SilentMember extends FakeMember {
  readonly #earlyMs: number;

  constructor(earlyMs: number) {
    super([new CallError(DEADLINE, 'no answer')]);
    this.#earlyMs = earlyMs;
  }

  override async call(...args: Parameters<FakeMember['call']>): Promise<object> {
    await delay(args[3] - this.#earlyMs);
    return super.call(...args);
  }
}

function callsOver(
  members: readonly FakeMember[],
  tokens = new TokenSource(undefined),
  guard = new HistoryGuard(() => undefined),
): Calls {
  return new Calls(
    members.map(({ asMember }) => asMember),
    tokens,
    guard,
    TIMEOUT_MS,
  );
}

describe('a write', () => {
  it('is tried again where it was not sent', async () => {
    const member = new FakeMember([refused, new NotSentError('no connection', true), OK]);
    expect(await callsOver([member]).run(WRITE)).toBe(OK);
  });

  it.each([
    ['its leader failed', leaderFailure],
    ['the connection broke', new CallError(UNAVAILABLE, 'read ECONNRESET')],
    ['nobody answered', new CallError(DEADLINE, 'no answer within 600 ms')],
    ['the server says something new', new CallError(INVALID_ARGUMENT, 'etcdserver: something new')],
  ])('is sent once, and its outcome is unknown, where %s', async (_, failure) => {
    const member = new FakeMember([failure, OK]);
    const error: Error = (await callsOver([member])
      .run(WRITE)
      .catch((caught: Error) => caught)) as Error;

    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect(error.message).toMatch(/^A write was sent to http:\/\/fake:2379.*may have been applied/);
    expect(error.cause).toBe(failure);
    expect(member.calls.length).toBe(1);
  });

  it('whose answer cannot be read may have been applied', async () => {
    const member = new FakeMember([{ header: null }, OK]);
    const writing = callsOver([member]).run(WRITE);
    await expect(writing).rejects.toThrow(OutcomeUnknownError);
    await expect(writing).rejects.toThrow(/the answer is none that etcd gives/);
    expect(member.calls.length).toBe(1);
  });

  it('whose answer cannot be read is told as unanswered where it may be repeated', async () => {
    const member = new FakeMember([{ header: null }, OK]);
    let unanswered = 0;
    const call = { ...WRITE, isRepeatable: true, onUnanswered: () => void unanswered++ };
    expect(await callsOver([member]).run(call)).toBe(OK);
    expect(unanswered).toBe(1);
  });

  it('whose answer has a revision that cannot be counted may have been applied', async () => {
    const member = new FakeMember([BEYOND, OK]);
    const writing = callsOver([member]).run(WRITE);
    await expect(writing).rejects.toThrow(OutcomeUnknownError);
    await expect(writing).rejects.toMatchObject({ cause: expect.any(RevisionOverflowError) });
    expect(member.calls.length).toBe(1);
  });

  it('that could not be sent until the deadline was not applied', async () => {
    await expect(callsOver([new FakeMember([refused])]).run(WRITE)).rejects.toThrow(
      /http:\/\/fake:2379 could not be reached within 600 ms: connect ECONNREFUSED\. Nothing was applied/,
    );
    await expect(callsOver([new FakeMember([refused])]).run(WRITE)).rejects.toThrow(UnavailableError);
    const silent = new FakeMember([new NotSentError('no connection', true)]);
    await expect(callsOver([silent]).run(WRITE)).rejects.toThrow(RequestTimeoutError);
  });
});

describe('a read', () => {
  it('is asked again, of the next member', async () => {
    const [first, second] = [new FakeMember([leaderFailure]), new FakeMember([OK])];
    const calls = callsOver([first, second]);
    expect(await calls.run(READ)).toBe(OK);
    expect(await calls.run(READ)).toBe(OK);
    expect([first.calls.length, second.calls.length]).toEqual([1, 2]);
  });

  it('ends at once where it is refused', async () => {
    const member = new FakeMember([new CallError(DENIED, 'etcdserver: permission denied'), OK]);
    await expect(callsOver([member]).run(READ)).rejects.toThrow(PermissionDeniedError);
    expect(member.calls.length).toBe(1);
  });

  it('ends at once where the revision cannot be counted', async () => {
    const member = new FakeMember([BEYOND, OK]);
    await expect(callsOver([member]).run(READ)).rejects.toThrow(RevisionOverflowError);
    expect(member.calls.length).toBe(1);
  });

  it('may wait beside many others without a warning of the process', async () => {
    const { stderr } = await promisify(execFile)(process.execPath, [WAITING]);
    expect(stderr).toBe('');
  });

  it('ends when the handle is closed', async () => {
    const calls = callsOver([new FakeMember([leaderFailure])]);
    const reading = calls.run(READ);
    calls.close();
    await expect(reading).rejects.toThrow(ClosedError);
  });
});

describe('a refused token', () => {
  const invalid = new CallError(UNAUTHENTICATED, 'etcdserver: invalid auth token');
  const stale = new CallError(INVALID_ARGUMENT, 'etcdserver: revision of auth store is old');

  it.each([
    ['has expired', invalid],
    ['is older than the rights', stale],
  ])('that %s is replaced, also for a write', async (_, failure) => {
    const member = new FakeMember([{ token: 'one' }, failure, { token: 'two' }, OK]);
    const tokens = new TokenSource({ username: 'u', password: 'p' });
    expect(await callsOver([member], tokens).run(WRITE)).toBe(OK);
    expect(member.calls.map(({ method, token }) => [method, token])).toEqual([
      ['authenticate', undefined],
      ['txn', 'one'],
      ['authenticate', undefined],
      ['txn', 'two'],
    ]);
  });

  it('that cannot be replaced leaves the write unsent', async () => {
    const member = new FakeMember([new CallError(DEADLINE, 'no answer')]);
    const tokens = new TokenSource({ username: 'u', password: 'p' });
    await expect(callsOver([member], tokens).run(WRITE)).rejects.toThrow(RequestTimeoutError);
    expect(new Set(member.calls.map(({ method }) => method))).toEqual(new Set(['authenticate']));
  });

  it('of a wrong password ends the call at once', async () => {
    const wrong = new CallError(
      INVALID_ARGUMENT,
      'etcdserver: authentication failed, invalid user ID or password',
    );
    const member = new FakeMember([wrong]);
    const tokens = new TokenSource({ username: 'u', password: 'p' });
    await expect(callsOver([member], tokens).run(WRITE)).rejects.toThrow(AuthenticationError);
    expect(member.calls.length).toBe(1);
  });
});

describe('a member that lies behind the others is not taken for another history', () => {
  let guard: HistoryGuard;
  const replaced: Error[] = [];
  beforeEach(() => {
    replaced.length = 0;
    guard = new HistoryGuard((error) => replaced.push(error));
    guard.saw(10);
  });

  it('when it tells of itself', async () => {
    const behind = new FakeMember([{ header: header(2, 9), version: '3.5.31' }]);
    const calls = callsOver([behind], undefined, guard);
    await calls.statusOf(behind.asMember, TIMEOUT_MS);
    expect(replaced).toEqual([]);
  });

  it('when it may tell its user no more than that, and others have gone on since it was asked', async () => {
    const denied = new CallError(DENIED, 'etcdserver: permission denied');
    const behind = new FakeMember([denied, { header: header(2, 10) }]);
    const calls = callsOver([behind], undefined, guard);
    const asking = calls.presentHeader(behind.asMember, TIMEOUT_MS);
    while (behind.calls.length === 0) await Promise.resolve();
    guard.saw(11);
    expect(await asking).toMatchObject({ revision: '10' });
    expect(replaced).toEqual([]);
  });

  it('but is so when it was behind before it was asked', async () => {
    const restored = new FakeMember([{ header: header(2, 9) }]);
    await callsOver([restored], undefined, guard).presentHeader(restored.asMember, TIMEOUT_MS);
    expect(replaced).toEqual([expect.any(StoreReplacedError)]);
  });
});

describe('nextMember', () => {
  it('goes on from the one that failed, round and round', () => {
    const members = [new FakeMember([OK]), new FakeMember([OK]), new FakeMember([OK])];
    const [first, second, third] = members.map(({ asMember }) => asMember);
    const calls = callsOver(members);
    expect(calls.nextMember(undefined)).toBe(first);
    expect(calls.nextMember(first)).toBe(second);
    expect(calls.nextMember(third)).toBe(first);
  });

  it('is not the one that did not answer; what was left of the time tells nothing of the other', async () => {
    // The second has too little time for its silence to mean anything, and leaves none.
    const [first, second] = [new SilentMember(150), new SilentMember(-20)];
    const calls = callsOver([first, second]);
    await expect(calls.run(READ)).rejects.toThrow(RequestTimeoutError);
    expect([first, second].map((member) => member.calls.length)).toEqual([1, 1]);
    expect(calls.nextMember(undefined)).toBe(second.asMember);
  });
});
