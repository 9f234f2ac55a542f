import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ClosedError,
  currentLock,
  InvalidArgumentError,
  LockLostError,
  UnavailableError,
  type Kvi,
  type LeaderTerm,
} from '../../lib/index.js';
import { ElectionCampaign } from '../../lib/nest/election.campaign.js';
import {
  ELECTED,
  ELECTION_FAILED,
  ELECTION_HANDLER_THREW,
  ELECTIONS_SKIPPED,
  SLOW_TERM,
} from '../../lib/nest/hmetcd.messages.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { Workbench } from '../support/workbench.js';
import { Deferred, Journal } from './support/deferred.js';

const NAME = 'leader';
const SHUTDOWN_TIMEOUT_MS = 3000;
const REQUEST_TIMEOUT_MS = 5000;

let bench: Workbench;
/** What the methods of all candidates were called for, in its order. */
let events: Journal<string>;
let campaigns: ElectionCampaign[];

beforeEach(() => {
  bench = new Workbench();
  events = new Journal();
  campaigns = [];
});

afterEach(async () => {
  for (const campaign of campaigns) campaign.stop();
  await bench.dispose();
});

type Method = (term: LeaderTerm) => unknown;

interface Candidate {
  readonly campaign: ElectionCampaign;
  readonly terms: LeaderTerm[];
  readonly logger: RecordingLogger;
  readonly over: Promise<void>;
}

/** Who stands for election: it writes down when it is elected and deposed, and then calls what it is given. */
function stand(
  who: string,
  kvi: Pick<Kvi, 'withLock'>,
  { elected = () => {}, deposed = () => {} }: { elected?: Method; deposed?: Method } = {},
  moreElected: readonly Method[] = [],
): Candidate {
  const terms: LeaderTerm[] = [];
  const logger = new RecordingLogger();
  const handler = (decorator: '@OnElected' | '@OnDeposed', call: Method) => ({
    name: `${who} (${decorator})`,
    mark: { decorator, name: NAME, connection: undefined },
    call,
  });
  const handlers = [
    handler('@OnElected', (term) => {
      terms.push(term);
      events.add(`${who} elected`);
      return elected(term);
    }),
    handler('@OnDeposed', (term) => {
      events.add(`${who} deposed`);
      return deposed(term);
    }),
    ...moreElected.map((call) => handler('@OnElected', call)),
  ];
  const campaign = new ElectionCampaign(NAME, handlers, kvi, {
    logger,
    clock: bench.clock,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    shutdownTimeoutMs: SHUTDOWN_TIMEOUT_MS,
  });
  campaigns.push(campaign);
  return { campaign, terms, logger, over: campaign.run() };
}

async function turns(): Promise<void> {
  for (let n = 0; n < 20; n++) await turn();
}

/** Waits until so many wait for the lock. */
async function queued(kvi: Kvi, count: number): Promise<void> {
  while ((await kvi.lockInfo(NAME)).queue.length !== count) await turn();
}

const down = (): Promise<never> => Promise.reject(new UnavailableError('nobody answers'));

/** Somebody ends the lease that the leader's key is under. */
async function revokeLease(kvi: Kvi): Promise<void> {
  const { holder } = await kvi.lockInfo(NAME);
  await bench.foreign.leaseRevoke(holder!.lease);
}

const aborted = ({ signal }: LeaderTerm): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve());
    if (signal.aborted) resolve();
  });

describe('candidates', () => {
  it('lead one at a time, in the order in which they came', async () => {
    const candidates: Candidate[] = [];
    for (const who of ['a', 'b', 'c']) {
      const { kvi } = bench.open();
      candidates.push(stand(who, kvi));
      await queued(kvi, candidates.length - 1);
    }
    const [a, b, c] = candidates as [Candidate, Candidate, Candidate];
    await turns();
    expect(events.entries).toEqual(['a elected']);
    a.campaign.stop();
    expect(await events.reaches(3)).toEqual(['a elected', 'a deposed', 'b elected']);
    b.campaign.stop();
    await events.reaches(5);
    c.campaign.stop();
    expect((await events.reaches(6)).slice(3)).toEqual(['b deposed', 'c elected', 'c deposed']);
    await Promise.all(candidates.map(({ over }) => over));
    expect(await bench.keys()).toEqual([]);
  });

  it('take their turn among the holders of the lock', async () => {
    const { kvi } = bench.open();
    const lock = await kvi.lock(NAME);
    stand('a', bench.open().kvi);
    await queued(kvi, 1);
    const next = kvi.lock(NAME);
    await queued(kvi, 2);
    expect(events.entries).toEqual([]);
    await lock.release();
    await events.reaches(1);
    campaigns[0]!.stop();
    await (await next).release();
    expect(events.entries).toEqual(['a elected', 'a deposed']);
  });

  it('lead on after their methods have returned', async () => {
    const { kvi } = bench.open();
    stand('a', kvi);
    stand('b', bench.open().kvi);
    await queued(kvi, 1);
    await bench.clock.advance(60_000);
    expect(events.entries).toEqual(['a elected']);
  });
});

describe('a term', () => {
  it('is the held lock: its name, key and token, and writes that need it', async () => {
    const { kvi } = bench.open();
    let current: unknown;
    const { terms, logger } = stand('a', kvi, {
      elected: async (term) => {
        current = currentLock()?.key;
        await term.kv.store('state', 'of a');
        await kvi.withLock(NAME, { timeoutSec: 0 }, async () => events.add('passed through'));
      },
    });
    await events.reaches(2);
    const { holder } = await kvi.lockInfo(NAME);
    const [term] = terms as [LeaderTerm];
    expect([term.name, term.key, term.fencingToken]).toEqual([NAME, holder!.key, holder!.fencingToken]);
    expect(term.isHeld).toBe(true);
    expect(() => term.assertHeld()).not.toThrow();
    expect(current).toBe(term.key);
    expect(await kvi.get('state')).toBe('of a');
    expect(logger.at('log')).toEqual([ELECTED(NAME, term.fencingToken)]);
    expect(term).not.toHaveProperty('release');
  });

  it('begins for all methods at once', async () => {
    const { kvi } = bench.open();
    stand('a', kvi, { elected: aborted }, [() => aborted, () => events.add('the last')]);
    expect(await events.reaches(2)).toEqual(['a elected', 'the last']);
  });

  it('goes on although a method throws, which is logged by its name and without its message', async () => {
    const { kvi } = bench.open();
    const broken: Method[] = [
      () => {
        throw new TypeError('a secret');
      },
      () => Promise.reject(new UnavailableError('nobody answers')),
      () => Promise.reject(null),
    ];
    const { logger, campaign, over } = stand('a', kvi, { deposed: broken[0]! }, broken);
    await logger.line('error', /object/);
    const lines = logger.at('error').map((line) => line.replaceAll(/\n {4}at [^;]*/g, ''));
    expect(lines).toEqual([
      ELECTION_HANDLER_THREW('a (@OnElected)', 'TypeError'),
      ELECTION_HANDLER_THREW('a (@OnElected)', 'UnavailableError: nobody answers'),
      ELECTION_HANDLER_THREW('a (@OnElected)', 'a object that is no Error'),
    ]);
    expect((await kvi.lockInfo(NAME)).holder).toBeDefined();
    campaign.stop();
    await over;
    expect(await logger.line('error', /@OnDeposed/)).toContain('TypeError');
    expect(logger.lines.map(({ message }) => message).join()).not.toContain('secret');
  });
});

describe('a term that is lost', () => {
  it('is told by its signal and to @OnDeposed, and another one begins', async () => {
    const { kvi } = bench.open();
    const given: LeaderTerm[] = [];
    const { terms } = stand('a', kvi, { deposed: (term) => given.push(term) });
    await events.reaches(1);
    await revokeLease(kvi);
    expect(await events.reaches(3)).toEqual(['a elected', 'a deposed', 'a elected']);
    const [first, second] = terms as [LeaderTerm, LeaderTerm];
    expect(given).toEqual([first]);
    expect(first.signal.reason).toBeInstanceOf(LockLostError);
    expect(first.isHeld).toBe(false);
    expect(() => first.assertHeld()).toThrow(LockLostError);
    expect(second.signal.aborted).toBe(false);
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
  });

  it('because its key was removed is told as well', async () => {
    const { kvi } = bench.open();
    const { terms } = stand('a', kvi);
    await events.reaches(1);
    await kvi.delete(terms[0]!.key);
    expect(await events.reaches(3)).toEqual(['a elected', 'a deposed', 'a elected']);
    expect(terms[0]!.signal.reason).toBeInstanceOf(LockLostError);
  });

  it('because its lease cannot be renewed is told before another is elected', async () => {
    const a = bench.open();
    const { kvi } = bench.open();
    stand('a', a.kvi, { elected: aborted });
    await events.reaches(1);
    stand('b', kvi);
    await queued(kvi, 1);
    for (const verb of ['leaseKeepAlive', 'leaseGrant', 'leaseRevoke'] as const)
      a.store.intercept(verb, down);
    for (let ms = 0; !events.entries.includes('b elected'); ms += 100) {
      if (ms === 12_000) throw new Error('nobody was elected within the lease and 2 s');
      await bench.clock.advance(100);
    }
    expect(events.entries).toEqual(['a elected', 'a deposed', 'b elected']);
  });

  it('is not followed by one of the same instance before its methods have ended; who takes long is named', async () => {
    const gates = { elected: new Deferred(), deposed: new Deferred() };
    const { kvi } = bench.open();
    const { logger } = stand('a', kvi, {
      elected: () => gates.elected.promise,
      deposed: () => gates.deposed.promise,
    });
    await events.reaches(1);
    await revokeLease(kvi);
    await events.reaches(2);
    await bench.clock.advance(SHUTDOWN_TIMEOUT_MS - 1);
    expect(logger.at('warn')).toEqual([]);
    await bench.clock.advance(1);
    expect(logger.at('warn')).toEqual([
      SLOW_TERM(NAME, ['a (@OnElected)', 'a (@OnDeposed)'], SHUTDOWN_TIMEOUT_MS),
    ]);
    expect(await kvi.lockInfo(NAME)).toEqual({ queue: [] });
    gates.deposed.resolve();
    await turns();
    expect(events.entries).toHaveLength(2);
    gates.elected.resolve();
    expect(await events.reaches(3)).toEqual(['a elected', 'a deposed', 'a elected']);
    await turns();
    expect(logger.at('warn')).toHaveLength(1);
  });

  it('says nothing more where its methods end by its signal, and tells what else they throw', async () => {
    const { kvi } = bench.open();
    const { logger } = stand('a', kvi, { elected: ({ signal }) => sleep(60_000, undefined, { signal }) }, [
      async (term) => {
        await aborted(term);
        term.signal.throwIfAborted();
      },
      async (term) => {
        await aborted(term);
        await term.kv.store('state', 'too late');
      },
      async (term) => {
        await aborted(term);
        throw new RangeError('of another kind');
      },
    ]);
    await events.reaches(1);
    await revokeLease(kvi);
    await events.reaches(3);
    expect(logger.at('error')).toEqual([expect.stringContaining('RangeError')]);
    expect(await kvi.get('state')).toBeUndefined();
  });
});

describe('stop()', () => {
  it('lets a candidate leave the queue', async () => {
    const { kvi } = bench.open();
    const lock = await kvi.lock(NAME);
    const { campaign, over, logger } = stand('a', bench.open().kvi);
    await queued(kvi, 1);
    campaign.stop();
    await over;
    expect(await bench.keys()).toEqual([lock.key]);
    expect([events.entries, logger.lines]).toEqual([[], []]);
  });

  it('ends a term, whose lock is held until its methods have ended', async () => {
    const gate = new Deferred();
    const { kvi } = bench.open();
    const { campaign, over, terms } = stand('a', kvi, {
      elected: async (term) => {
        await aborted(term);
        await gate.promise;
        await term.kv.store('state', 'complete');
      },
      deposed: () => gate.promise,
    });
    await events.reaches(1);
    stand('b', bench.open().kvi);
    await queued(kvi, 1);
    campaign.stop();
    await events.reaches(2);
    await turns();
    expect(terms[0]!.signal.reason).toBeInstanceOf(ClosedError);
    expect(terms[0]!.isHeld).toBe(true);
    expect(events.entries).toEqual(['a elected', 'a deposed']);
    gate.resolve();
    await over;
    expect(await kvi.get('state')).toBe('complete');
    expect(await events.reaches(3)).toEqual(['a elected', 'a deposed', 'b elected']);
    expect(terms[0]!.isHeld).toBe(false);
  });

  it('ends the pause after a failure', async () => {
    const { kvi, store } = bench.open();
    store.intercept('leaseGrant', down);
    const { campaign, over, logger } = stand('a', kvi);
    await logger.line('error', /nobody answers/);
    campaign.stop();
    await over;
    expect(store.countOf('leaseGrant')).toBe(1);
  });
});

describe('a store that fails', () => {
  it('is asked again, ever less often, and named once until it answers', async () => {
    const { kvi, store } = bench.open();
    store.intercept('leaseGrant', down);
    const { logger } = stand('a', kvi);
    await bench.clock.advance(1000);
    // At 0, 100, 300 and 700 ms.
    expect(store.countOf('leaseGrant')).toBe(4);
    await bench.clock.advance(60_000);
    expect(store.countOf('leaseGrant')).toBeLessThan(20);
    expect(logger.at('error')).toEqual([ELECTION_FAILED(NAME, 'UnavailableError: nobody answers')]);
    store.intercept('leaseGrant', undefined);
    await bench.clock.advance(10_000);
    expect(events.entries).toEqual(['a elected']);
  });

  it('again after a term is named again', async () => {
    const { kvi, store } = bench.open();
    store.intercept('leaseGrant', down);
    const { logger } = stand('a', kvi);
    await bench.clock.advance(1000);
    store.intercept('leaseGrant', undefined);
    await bench.clock.advance(10_000);
    expect(events.entries).toEqual(['a elected']);
    store.intercept('leaseGrant', down);
    await revokeLease(kvi);
    await bench.clock.advance(60_000);
    expect(logger.at('error')).toHaveLength(2);
  });

  it('again after a long wait in the queue is named again', async () => {
    const { kvi, store } = bench.open();
    const other = bench.open().kvi;
    await other.lock(NAME);
    store.intercept('leaseGrant', down);
    const { logger } = stand('a', kvi);
    await bench.clock.advance(1000);
    store.intercept('leaseGrant', undefined);
    await bench.clock.advance(10_000);
    await queued(other, 1);
    await bench.clock.advance(60_000);
    store.intercept('leaseGrant', down);
    const { queue } = await other.lockInfo(NAME);
    await bench.foreign.leaseRevoke(queue[0]!.lease);
    await bench.clock.advance(60_000);
    expect(logger.at('error')).toHaveLength(2);
  });

  it('by its rules for names does not end the campaign', async () => {
    const { kvi } = bench.open();
    const below = await kvi.lock(`${NAME}/below`);
    const { logger } = stand('a', kvi);
    expect(await logger.line('error', /election/)).toContain(InvalidArgumentError.name);
    await below.release();
    await bench.clock.advance(1000);
    expect(events.entries).toEqual(['a elected']);
  });

  it('because its handle is closed ends the campaign quietly', async () => {
    const { kvi } = bench.open();
    await bench.open().kvi.lock(NAME);
    const { over, logger } = stand('a', kvi);
    await queued(kvi, 1);
    await kvi.close();
    await over;
    expect([events.entries, logger.lines]).toEqual([[], []]);
  });
});

describe('a handle that is closed under a leader', () => {
  it('waits for the term like for any function under a lock, then tells it; the lease ends it', async () => {
    const { kvi } = bench.open({ shutdownTimeoutMs: 500 });
    const { over, terms } = stand('a', kvi, { elected: aborted });
    await events.reaches(1);
    const closing = kvi.close();
    await bench.clock.advance(500);
    await Promise.all([closing, over]);
    expect(events.entries).toEqual(['a elected', 'a deposed']);
    expect(terms[0]!.signal.reason).toBeInstanceOf(LockLostError);
    expect(await bench.keys()).toEqual([terms[0]!.key]);
  });
});

describe('a mock of a connection', () => {
  it.each<[string, () => unknown]>([
    ['undefined', () => undefined],
    ['a promise', async () => 'result'],
  ])('that answers %s to withLock ends the campaign', async (_title, withLock) => {
    const { over, logger } = stand('a', { withLock } as unknown as Kvi);
    await over;
    expect(events.entries).toEqual([]);
    expect(logger.lines).toEqual([{ level: 'debug', message: ELECTIONS_SKIPPED([NAME]) }]);
  });

  it('that grants something else than a lock keeps nothing busy', async () => {
    let calls = 0;
    const withLock = (_name: string, _options: object, fn: (lock: unknown) => unknown): unknown => {
      calls++;
      return fn(undefined);
    };
    const { campaign, over, logger } = stand('a', { withLock } as unknown as Kvi);
    await bench.clock.advance(250);
    campaign.stop();
    await over;
    expect(calls).toBe(2);
    expect(logger.at('error')).toEqual([ELECTION_FAILED(NAME, 'TypeError')]);
  });
});
