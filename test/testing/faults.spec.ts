import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LockLostError } from '../../lib/kvi/errors.js';
import type { KeyChange } from '../../lib/kvi/key-change.js';
import type { HeldLock, Kvi } from '../../lib/kvi/kvi.js';
import type { KviOptions } from '../../lib/kvi/options.js';
import {
  ClosedError,
  CompactedError,
  InvalidArgumentError,
  OutcomeUnknownError,
  RequestTimeoutError,
  UnavailableError,
} from '../../lib/store/errors.js';
import type { Faults } from '../../lib/testing/faults.js';
import { TestStore } from '../../lib/testing/test-store.js';
import { RecordingLogger } from '../support/recording-logger.js';

const TIMEOUT_MS = 5000;

let store: TestStore;
let logger: RecordingLogger;
let kvi: Kvi;
let other: Kvi;
const handles: Kvi[] = [];

async function openOne(options: KviOptions = {}): Promise<Kvi> {
  const handle = await store.open({ logger, ...options });
  handles.push(handle);
  return handle;
}

beforeEach(async () => {
  store = new TestStore();
  // To the millisecond, however slow the machine is.
  store.clock.stop();
  logger = new RecordingLogger();
  kvi = await openOne();
  other = await openOne();
});

afterEach(async () => {
  for (const handle of handles) store.faultsOf(handle).clear();
  store.faults.clear();
  store.clock.start();
  await Promise.all(handles.splice(0).map((handle) => handle.close()));
});

/** What has become of a promise so far, looked at whenever. */
function outcomeOf(promise: Promise<unknown>): () => unknown {
  let outcome: unknown = 'pending';
  promise.then(
    (value) => (outcome = value ?? 'done'),
    (error: unknown) => (outcome = error),
  );
  return () => outcome;
}

/** What a stream tells, as it comes. */
function toldBy(changes: AsyncIterable<KeyChange>): { readonly told: string[]; error: unknown } {
  const seen: { readonly told: string[]; error: unknown } = { told: [], error: undefined };
  void (async () => {
    try {
      for await (const { key, value } of changes) seen.told.push(`${key}=${value}`);
    } catch (error) {
      seen.error = error;
    }
  })();
  return seen;
}

describe('freeze', () => {
  it('lets a read run into its deadline, and not sooner', async () => {
    store.faults.freeze();
    const outcome = outcomeOf(kvi.get('a'));
    await store.clock.advance(TIMEOUT_MS - 1);
    expect(outcome()).toBe('pending');
    await store.clock.advance(1);
    expect(outcome()).toBeInstanceOf(RequestTimeoutError);
  });

  it('goes by the requestTimeoutMs of the handle', async () => {
    const hasty = await openOne({ requestTimeoutMs: 100 });
    store.faults.freeze();
    const outcome = outcomeOf(hasty.get('a'));
    await store.clock.advance(100);
    expect(outcome()).toMatchObject({ message: expect.stringContaining('within 100 ms') });
  });

  it('leaves open what became of a write that was sent, which is never applied', async () => {
    store.faults.freeze();
    const outcome = outcomeOf(kvi.store('a', '1'));
    await store.clock.advance(TIMEOUT_MS);
    expect(outcome()).toBeInstanceOf(OutcomeUnknownError);
    store.faults.thaw();
    await store.clock.advance(60_000);
    expect(await kvi.get('a')).toBeUndefined();
  });

  it('keeps a write from being sent that has to wait for another', async () => {
    store.faults.freeze();
    const first = outcomeOf(kvi.store('a', '1'));
    await store.clock.advance(TIMEOUT_MS);
    expect(first()).toBeInstanceOf(OutcomeUnknownError);
    const [second, elsewhere] = [outcomeOf(kvi.store('a', '2')), outcomeOf(kvi.store('b', '2'))];
    await store.clock.advance(TIMEOUT_MS);
    expect(second()).toBeInstanceOf(RequestTimeoutError);
    expect(elsewhere()).toBeInstanceOf(OutcomeUnknownError);
    store.faults.thaw();
    await kvi.store('a', '3');
    expect(await kvi.get('a')).toBe('3');
  });

  it('answers what still has time when it ends, writes in the order of their calls', async () => {
    store.faults.freeze();
    const outcomes = [kvi.get('a'), kvi.store('a', '1'), kvi.store('a', '2')].map(outcomeOf);
    await store.clock.advance(TIMEOUT_MS - 1);
    store.faults.thaw();
    await store.clock.advance(0);
    expect(outcomes.map((outcome) => outcome())).toEqual(['done', 'done', 'done']);
    expect(await kvi.get('a')).toBe('2');
  });

  it('gives no lease, and so no lock', async () => {
    store.faults.freeze();
    const outcomes = [kvi.lock('jobs', { timeoutSec: 0 }), kvi.tempKey('member')].map(outcomeOf);
    await store.clock.advance(TIMEOUT_MS + 250);
    expect(outcomes.map((outcome) => outcome())).toEqual([
      expect.any(RequestTimeoutError),
      expect.any(RequestTimeoutError),
    ]);
  });

  it('makes watches silent, which go on without a gap', async () => {
    const view = await kvi.observe({ prefix: 'a' });
    const seen = toldBy(kvi.changes({ prefix: 'a' }));
    await store.clock.advance(0);
    store.faultsOf(kvi).freeze();
    await other.store('a', '1');
    await other.store('a', '2');
    await store.clock.advance(60_000);
    expect(seen).toEqual({ told: [], error: undefined });
    expect(view.isCurrent).toBe(false);
    const { staleSince } = view;
    expect(Date.now() - staleSince!.getTime()).toBeGreaterThanOrEqual(60_000);
    store.faultsOf(kvi).thaw();
    await store.clock.advance(0);
    expect(seen.told).toEqual(['a=1', 'a=2']);
    expect([...view]).toEqual([['a', '2']]);
    expect(view.isCurrent).toBe(true);
  });

  it('tells a holder of its loss before another has the lock', async () => {
    const held = await kvi.lock('jobs');
    await kvi.tempKey('member');
    let next: HeldLock | undefined;
    void other.lock('jobs').then((lock) => (next = lock));
    store.faultsOf(kvi).freeze();
    await store.clock.advance(9000);
    expect(held.signal.aborted).toBe(true);
    expect(next).toBeUndefined();
    await store.clock.advance(1000);
    expect(next?.isHeld).toBe(true);
    expect(held.signal.reason).toBeInstanceOf(LockLostError);
    expect(await other.get('member')).toBeUndefined();
    store.faultsOf(kvi).thaw();
    await store.clock.advance(5000);
    expect(await other.get('member')).toBeDefined();
    expect(next?.isHeld).toBe(true);
  });

  it('keeps handles from opening', async () => {
    store.faults.freeze();
    const outcome = outcomeOf(store.open({ logger, connectTimeoutMs: 300 }));
    await store.clock.advance(300);
    expect(outcome()).toBeInstanceOf(UnavailableError);
    expect(outcome()).toMatchObject({ message: expect.stringContaining('300 ms') });
  });

  it('does not hold up close for longer than a call', async () => {
    await kvi.lock('jobs');
    store.faults.freeze();
    const outcome = outcomeOf(kvi.close());
    await store.clock.advance(TIMEOUT_MS + 1000);
    expect(outcome()).toBe('done');
    expect(logger.at('warn')).toEqual([expect.stringMatching(/^The session was not ended in the store/)]);
  });
});

describe('cutWatches', () => {
  it('makes watches silent and nothing else; restored, they go on without a gap', async () => {
    const view = await kvi.observe({ prefix: 'a' });
    const seen = toldBy(kvi.changes({ prefix: 'a' }));
    await store.clock.advance(0);
    store.faults.cutWatches();
    await kvi.store('a', '1');
    expect(await kvi.get('a')).toBe('1');
    await store.clock.advance(60_000);
    expect(seen.told).toEqual([]);
    expect(view.isCurrent).toBe(false);
    store.faults.restoreWatches();
    await kvi.store('a', '2');
    await store.clock.advance(0);
    expect(seen.told).toEqual(['a=1', 'a=2']);
    expect(view.isCurrent).toBe(true);
  });

  it('hands over once what had come before', async () => {
    const seen = toldBy(kvi.changes({ prefix: 'a' }));
    await store.clock.advance(0);
    const writing = kvi.store('a', '1');
    store.faults.cutWatches();
    store.faults.restoreWatches();
    await writing;
    store.faults.cutWatches();
    store.faults.restoreWatches();
    await store.clock.advance(0);
    expect(seen.told).toEqual(['a=1']);
  });

  it('lets nobody begin a watch, in the time of a call', async () => {
    store.faults.cutWatches();
    const outcome = outcomeOf(kvi.watchWithCB('a', 1, () => {}));
    await store.clock.advance(TIMEOUT_MS - 1);
    expect(outcome()).toBe('pending');
    await store.clock.advance(1);
    expect(outcome()).toBeInstanceOf(RequestTimeoutError);
  });

  it('lets a watch begin that can still be restored in time', async () => {
    store.faults.cutWatches();
    const outcome = outcomeOf(kvi.watch('a'));
    await store.clock.advance(TIMEOUT_MS - 1);
    store.faults.restoreWatches();
    await other.store('a', '1');
    await store.clock.advance(0);
    expect(outcome()).toMatchObject({ key: 'a', value: '1' });
  });

  it('lets the wait for a lock go on when it is over', async () => {
    const held = await kvi.lock('jobs');
    const outcome = outcomeOf(other.lock('jobs'));
    await store.clock.advance(0);
    store.faults.cutWatches();
    await held.release();
    await store.clock.advance(0);
    expect(outcome()).toBe('pending');
    store.faults.restoreWatches();
    await store.clock.advance(0);
    expect(outcome()).toMatchObject({ name: 'jobs', isHeld: true });
  });

  it('ends with a view that is in step by sync', async () => {
    const view = await kvi.observe({ prefix: 'a' });
    store.faults.cutWatches();
    await kvi.store('a', '1');
    const outcome = outcomeOf(view.sync());
    await store.clock.advance(1000);
    expect(outcome()).toBe('pending');
    store.faults.restoreWatches();
    await store.clock.advance(0);
    expect(outcome()).toBe('done');
    expect(view.get('a')).toBe('1');
  });

  it('ends with an answer to who has asked meanwhile how far the store is', async () => {
    const view = await kvi.observe({ prefix: 'a' });
    store.faults.cutWatches();
    await kvi.store('b', '1');
    const outcome = outcomeOf(view.sync());
    await store.clock.advance(0);
    store.faults.restoreWatches();
    await store.clock.advance(0);
    expect(outcome()).toBe('done');
  });

  it('keeps what had come and was not read yet', async () => {
    const changes = kvi.changes('a', { fromRevision: 1 });
    await kvi.store('a', '1');
    const values = [(await changes.next()).value?.value];
    await kvi.store('a', '2');
    await kvi.store('a', '3');
    store.faults.cutWatches();
    store.faults.restoreWatches();
    for (let i = 0; i < 2; i++) values.push((await changes.next()).value?.value);
    expect(values).toEqual(['1', '2', '3']);
    await changes.return!();
  });

  it('does not make a watch begin sooner than it was to', async () => {
    await kvi.store('b', '1');
    const { revision } = await kvi.snapshot('a');
    const seen = toldBy(kvi.changes('a', { fromRevision: revision + 2 }));
    await store.clock.advance(0);
    store.faults.cutWatches();
    store.faults.restoreWatches();
    await kvi.store('a', 'too soon');
    await kvi.store('a', 'in time');
    await store.clock.advance(0);
    expect(seen.told).toEqual(['a=in time']);
  });

  it('does not keep a watch from being ended', async () => {
    const outcome = outcomeOf(kvi.watch('a'));
    await store.clock.advance(0);
    store.faults.cutWatches();
    await kvi.close();
    await store.clock.advance(0);
    expect(outcome()).toBeInstanceOf(ClosedError);
  });
});

describe('compact, while watches are cut', () => {
  it('leaves a gap, of which each is told in its way', async () => {
    const view = await kvi.observe({ prefix: 'a' });
    const told: string[] = [];
    view.onChange(({ value }) => told.push(`${value}`));
    const seen = toldBy(kvi.changes({ prefix: 'a' }));
    await store.clock.advance(0);
    store.faults.cutWatches();
    await kvi.store('a', '1');
    await kvi.store('a', '2');
    store.compact();
    await kvi.store('a', '3');
    store.faults.restoreWatches();
    await store.clock.advance(0);
    expect(seen.told).toEqual([]);
    expect(seen.error).toBeInstanceOf(CompactedError);
    const { revision } = seen.error as CompactedError;
    expect(told).toEqual(['3']);
    expect(view.isCurrent).toBe(true);
    const again = toldBy(kvi.changes({ prefix: 'a' }, { fromRevision: revision }));
    await store.clock.advance(0);
    expect(again.told).toEqual(['a=3']);
  });

  it('leaves none for who has missed nothing', async () => {
    await kvi.store('b', '1');
    await kvi.store('b', '2');
    const seen = toldBy(kvi.changes({ prefix: 'a' }, { fromRevision: 1 }));
    await store.clock.advance(0);
    store.faults.cutWatches();
    store.compact();
    store.compact();
    await kvi.store('a', '1');
    store.faults.restoreWatches();
    await store.clock.advance(0);
    expect(seen).toEqual({ told: ['a=1'], error: undefined });
  });

  it('does not concern watches that are up', async () => {
    const seen = toldBy(kvi.changes({ prefix: 'a' }));
    await store.clock.advance(0);
    await kvi.store('a', '1');
    store.compact();
    await kvi.store('a', '2');
    await store.clock.advance(0);
    expect(seen).toEqual({ told: ['a=1', 'a=2'], error: undefined });
  });
});

describe('delayNext', () => {
  it('delays so many calls', async () => {
    store.faults.delayNext(2, 1000);
    const outcomes = [kvi.store('a', '1'), other.get('b'), kvi.get('b')].map(outcomeOf);
    await store.clock.advance(999);
    expect(outcomes.map((outcome) => outcome())).toEqual(['pending', 'pending', 'done']);
    expect(await other.get('a')).toBeUndefined();
    await store.clock.advance(1);
    expect(outcomes.map((outcome) => outcome())).toEqual(['done', 'done', 'done']);
    expect(await other.get('a')).toBe('1');
  });

  it('too long, ends a call at its deadline: nothing was applied, nor will be', async () => {
    store.faults.delayNext(2, TIMEOUT_MS + 1);
    const outcomes = [kvi.get('a'), kvi.store('a', '1')].map(outcomeOf);
    await store.clock.advance(TIMEOUT_MS);
    expect(outcomes.map((outcome) => outcome())).toEqual([
      expect.any(RequestTimeoutError),
      expect.any(RequestTimeoutError),
    ]);
    await store.clock.advance(60_000);
    expect(await kvi.get('a')).toBeUndefined();
  });

  it('too long, leaves open what became of a write without retryableWrites', async () => {
    const plain = await openOne({ retryableWrites: false });
    store.faults.delayNext(1, TIMEOUT_MS + 1);
    const outcome = outcomeOf(plain.store('a', '1'));
    await store.clock.advance(TIMEOUT_MS);
    expect(outcome()).toBeInstanceOf(OutcomeUnknownError);
  });

  it('does not let a write be overtaken by the next to its key', async () => {
    store.faults.delayNext(1, 1000);
    const outcomes = [kvi.store('a', '1'), kvi.store('a', '2'), kvi.store('b', '1')].map(outcomeOf);
    await store.clock.advance(0);
    expect(outcomes.map((outcome) => outcome())).toEqual(['pending', 'pending', 'done']);
    await store.clock.advance(1000);
    expect(outcomes.map((outcome) => outcome())).toEqual(['done', 'done', 'done']);
    expect(await kvi.get('a')).toBe('2');
  });

  it('counts neither keep-alives nor watches', async () => {
    const held = await kvi.lock('jobs');
    store.faults.delayNext(1, 1000);
    // Long enough for a keep-alive.
    await store.clock.advance(4000);
    const outcome = outcomeOf(kvi.get('a'));
    await store.clock.advance(0);
    expect(outcome()).toBe('pending');
    expect(held.isHeld).toBe(true);
    await store.clock.advance(1000);
  });
});

describe('failNext', () => {
  it('fails so many calls, of which nothing is applied', async () => {
    store.faults.failNext(2);
    await expect(kvi.store('a', '1')).rejects.toThrow(UnavailableError);
    await expect(other.get('a')).rejects.toThrow(UnavailableError);
    expect(await kvi.get('a')).toBeUndefined();
    await kvi.store('a', '2');
  });

  it('by the error that is given', async () => {
    const error = new RangeError('mine');
    store.faults.failNext(1, error);
    await expect(kvi.get('a')).rejects.toBe(error);
  });

  it('until it is taken back', async () => {
    store.faults.failNext(Infinity);
    for (let i = 0; i < 5; i++) await expect(kvi.get('a')).rejects.toThrow(UnavailableError);
    store.faults.clear();
    expect(await kvi.get('a')).toBeUndefined();
  });

  it('after what was ordered before, and for one handle before what is for all', async () => {
    store.faults.failNext(1, new Error('all'));
    store.faultsOf(kvi).failNext(1, new Error('first'));
    store.faultsOf(kvi).failNext(1, new Error('second'));
    await expect(kvi.get('a')).rejects.toThrow('first');
    await expect(kvi.get('a')).rejects.toThrow('second');
    await expect(kvi.get('a')).rejects.toThrow('all');
    expect(await kvi.get('a')).toBeUndefined();
  });
});

describe('loseReplyOfNext', () => {
  it('applies a write, and says that nobody knows', async () => {
    store.faults.loseReplyOfNext(1);
    expect(await kvi.get('a')).toBeUndefined();
    await expect(kvi.store('a', '1')).rejects.toThrow(OutcomeUnknownError);
    expect(await kvi.get('a')).toBe('1');
    await kvi.store('a', '2');
  });

  it('leaves no lock behind that nobody holds', async () => {
    await kvi.tempKey('a lease');
    store.faultsOf(kvi).loseReplyOfNext(1);
    await expect(kvi.lock('jobs')).rejects.toThrow(UnavailableError);
    expect(await other.lockInfo('jobs')).toEqual({ holder: undefined, queue: [] });
    expect((await kvi.lock('jobs')).isHeld).toBe(true);
  });
});

describe('loseLease', () => {
  it('ends the locks of a session, and has told it', async () => {
    const held = await kvi.lock('jobs');
    const waiting = other.lock('jobs');
    await store.faultsOf(kvi).loseLease();
    expect(held.signal.aborted).toBe(true);
    expect(() => held.assertHeld()).toThrow(LockLostError);
    expect((await waiting).isHeld).toBe(true);
    await expect(held.kv.store('a', '1')).rejects.toThrow(LockLostError);
    expect(await kvi.get('a')).toBeUndefined();
  });

  it('takes temporary keys, which come back', async () => {
    await kvi.tempKey('member');
    const seen = toldBy(other.changes('member'));
    await store.clock.advance(0);
    await store.faults.loseLease();
    expect(seen.told).toEqual(['member=undefined', expect.stringMatching(/^member=\{/)]);
    await store.clock.advance(60_000);
    expect(seen.told).toHaveLength(2);
  });

  it('for all handles, or for one', async () => {
    const [one, two] = [await kvi.lock('one'), await other.lock('two')];
    await store.faultsOf(other).loseLease();
    expect([one.isHeld, two.isHeld]).toEqual([true, false]);
    await store.faults.loseLease();
    expect(one.isHeld).toBe(false);
  });
});

it('what is wrong for one handle is wrong for no other', async () => {
  const faults = store.faultsOf(kvi);
  faults.freeze();
  faults.cutWatches();
  faults.failNext(1);
  await other.store('a', '1');
  const changes = other.changes('a', { fromRevision: 1 });
  expect((await changes.next()).value).toMatchObject({ value: '1' });
  await changes.return!();
});

it('clear ends everything that was ordered', async () => {
  const seen = toldBy(kvi.changes('a'));
  await store.clock.advance(0);
  store.faults.freeze();
  store.faults.cutWatches();
  store.faults.delayNext(1, 1000);
  store.faults.failNext(1);
  store.faults.loseReplyOfNext(1);
  store.faults.clear();
  await kvi.store('a', '1');
  await store.clock.advance(0);
  expect(seen.told).toEqual(['a=1']);
});

describe('an order that makes no sense', () => {
  const ORDERS: readonly (readonly [string, (faults: Faults) => void])[] = [
    ['no calls', (faults) => faults.failNext(0)],
    ['half a call', (faults) => faults.delayNext(0.5, 1)],
    ['no number', (faults) => faults.loseReplyOfNext(undefined as unknown as number)],
    ['negative time', (faults) => faults.delayNext(1, -1)],
    ['an error that is none', (faults) => faults.failNext(1, 'down' as unknown as Error)],
  ];
  it.each(ORDERS)('is refused: %s', async (_what, order) => {
    expect(() => order(store.faults)).toThrow(InvalidArgumentError);
    await kvi.store('a', '1');
  });
});

describe('health', () => {
  it('tells a frozen store as one that cannot be reached', async () => {
    store.faults.freeze();
    const asked = kvi.health({ timeoutMs: 1000 });
    await store.clock.advance(1000);
    expect(await asked).toMatchObject({ status: 'unreachable' });
    store.faults.thaw();
    expect(await kvi.health()).toMatchObject({ status: 'healthy', reason: undefined });
  });

  it('tells watches that are cut off for longer than they may be', async () => {
    const view = await kvi.observe('k');
    store.faults.cutWatches();
    await store.clock.advance(3000);
    expect(await kvi.health({ watchesBehindMs: 2000 })).toMatchObject({
      status: 'watches-behind',
      watchesBehindMs: 3000,
    });
    expect((await other.health({ watchesBehindMs: 2000 })).status).toBe('healthy');
    await view.close();
  });
});
