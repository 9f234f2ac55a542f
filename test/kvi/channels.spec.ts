import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CompactedError, StoreReplacedError, UnavailableError } from '../../lib/store/errors.js';
import { BreakableWatches } from '../support/breakable-watches.js';
import { FAILURE, Hearing } from '../support/hearing.js';
import { Workbench } from '../support/workbench.js';

let bench: Workbench;
let heard: Hearing;
beforeEach(() => {
  bench = new Workbench();
  heard = new Hearing();
});
afterEach(async () => {
  heard[Symbol.dispose]();
  await bench.dispose();
});

const PLACE = { endpoint: 'mem:', namespace: '' };

describe('a call that fails', () => {
  it.each(['get', 'store'] as const)('as %s tells why', async (operation) => {
    const { kvi, store } = bench.open();
    const error = new UnavailableError('nobody answers');
    store.intercept(operation === 'get' ? 'range' : 'txn', () => Promise.reject(error));
    await expect(kvi[operation]('a', '1')).rejects.toBe(error);
    expect(heard.lives('call')).toEqual([
      { message: { ...PLACE, operation, key: 'a', error }, parts: FAILURE },
    ]);
  });
});

it('Nobody who does not listen is told: the calls of before are not told of later', async () => {
  heard[Symbol.dispose]();
  const { kvi } = bench.open();
  const lock = await kvi.lock('jobs');
  const get = kvi.get('a');
  heard = new Hearing();
  await get;
  await lock.release();
  expect(heard.all).toEqual([]);
});

describe('the renewal of a session', () => {
  it('tells how long its answer took, and how much time was left', async () => {
    const { kvi, store } = bench.open({ sessionTtlSec: 10 });
    await kvi.tempKey('t');
    const { lease } = heard.events('session.granted')[0]!;
    await bench.clock.advance(3000);
    let answer = (): void => {};
    store.intercept('leaseKeepAlive', async (proceed) => {
      await new Promise<void>((resolve) => (answer = resolve));
      return proceed();
    });
    // A third of the time to live, and then what the answer takes.
    await bench.clock.advance(334);
    await bench.clock.advance(166);
    expect(heard.events('session.renewed')).toEqual([]);
    answer();
    await bench.clock.advance(0);
    const [renewed] = heard.events('session.renewed');
    expect(renewed).toMatchObject({ ...PLACE, lease });
    expect(renewed!.roundTripMs).toBeCloseTo(3500 - 10_000 / 3);
    expect(renewed!.leftMs).toBeCloseTo(9000 - 3500);
  });

  it('that is not answered is not told of', async () => {
    const { kvi, store } = bench.open({ sessionTtlSec: 10 });
    await kvi.tempKey('t');
    store.intercept('leaseKeepAlive', () => Promise.reject(new UnavailableError('nobody answers')));
    await bench.clock.advance(8900);
    expect(heard.events('session.renewed')).toEqual([]);
    expect(heard.events('session.lost')).toEqual([]);
    await bench.clock.advance(200);
    expect(heard.events('session.lost')).toMatchObject([{ reason: 'its lease was not renewed in time' }]);
    await kvi.close();
    expect(heard.events('session.ended')).toEqual([]);
  });
});

describe('a view', () => {
  it.each([
    ['compacted', new CompactedError('gone', 2)],
    ['replaced', new StoreReplacedError('another history')],
  ] as const)(
    'that missed what was %s tells that it was read anew, and where it is now',
    async (reason, error) => {
      const { kvi, store } = bench.open();
      const watches = new BreakableWatches(store);
      await using view = await kvi.observe({ prefix: 'k/' });
      watches.breakNow(error);
      await bench.foreign.txn({ success: [{ type: 'put', key: 'k/1', value: '1' }] });
      await bench.clock.advance(1000);
      expect(view.get('k/1')).toBe('1');
      expect(heard.events('watch.resync')).toEqual([
        { ...PLACE, key: 'k/', rangeEnd: 'k0', reason, revision: expect.any(Number) },
      ]);
    },
  );

  it('that can go on where it was does not', async () => {
    const { kvi, store } = bench.open();
    const watches = new BreakableWatches(store);
    await using view = await kvi.observe({ prefix: 'k/' });
    watches.breakNow();
    await bench.foreign.txn({ success: [{ type: 'put', key: 'k/1', value: '1' }] });
    await bench.clock.advance(1000);
    expect(view.get('k/1')).toBe('1');
    expect(heard.events('watch.resync')).toEqual([]);
  });
});
