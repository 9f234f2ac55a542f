import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { setImmediate as nextCheckPhase, setTimeout as delay } from 'node:timers/promises';
import { Calls } from '../../../lib/store/etcd/calls.js';
import { HistoryGuard } from '../../../lib/store/etcd/history-guard.js';
import { TokenSource } from '../../../lib/store/etcd/token.js';
import { WatchHub } from '../../../lib/store/etcd/watch-hub.js';
import {
  InvalidArgumentError,
  RevisionOverflowError,
  StoreReplacedError,
} from '../../../lib/store/errors.js';
import type { Watch } from '../../../lib/store/store.js';
import { block } from '../../support/block.js';
import { poll } from '../../support/etcd/poll.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { FakeMember, type FakeStream, header } from './fake-member.js';

const TIMEOUT_MS = 1000;

const BEYOND = String(2n ** 53n);
const NOTHING = { events: [], canceled: false, created: false, compact_revision: '0', cancel_reason: '' };
const NO_WATCH = '-1';

function kvAt(revision: string): object {
  const [key, value] = [Buffer.from('a'), Buffer.from('')];
  return { key, value, create_revision: '2', mod_revision: revision, version: '1', lease: '0' };
}

let member: FakeMember;
let hub: WatchHub;
beforeEach(() => {
  member = new FakeMember([{ header: header() }]);
  const tokens = new TokenSource(undefined);
  const guard = new HistoryGuard(() => undefined);
  const calls = new Calls([member.asMember], tokens, guard, TIMEOUT_MS);
  hub = new WatchHub(calls, tokens, guard, new RecordingLogger(), TIMEOUT_MS, () => true);
});
afterEach(() => hub.close());

/** Two watches, which the server knows as 0 and 1. */
async function watchTwo(): Promise<{ stream: FakeStream; watches: Watch[] }> {
  const begun = ['a', 'b'].map((key) => hub.subscribe({ key, afterRevision: 1 }));
  const stream = await poll('the stream', () => member.streams[0]);
  while (stream.written.length < 2) await once(stream, 'written');
  for (const id of ['0', '1']) {
    stream.emit('data', { ...NOTHING, watch_id: id, created: true, header: header() });
  }
  return { stream, watches: await Promise.all(begun) };
}

describe('a reader that has enough to read, and is not fed', () => {
  /** Events that are too much for it. */
  async function fill(stream: FakeStream): Promise<void> {
    for (const revision of ['2', '3', '4']) {
      const kv = { ...kvAt(revision), value: Buffer.alloc(3 * 1024 * 1024, 'v') };
      const event = { type: 'Put', kv, prev_kv: null };
      stream.emit('data', { ...NOTHING, watch_id: '0', header: header(), events: [event] });
    }
  }

  it('is told of the end of its history, when it has read that', async () => {
    const { stream, watches } = await watchTwo();
    await fill(stream);
    const gone = new StoreReplacedError('another history');
    hub.failAll(gone);

    expect((await watches[0]!.next())?.revision).toBe(2);
    expect((await watches[0]!.next())?.revision).toBe(3);
    await expect(watches[0]!.next()).rejects.toBe(gone);
  });

  it('is ended with the hub', async () => {
    const { stream, watches } = await watchTwo();
    await fill(stream);
    hub.close();

    expect(await watches[0]!.next()).toBeUndefined();
  });
});

describe('a watch of what is compacted', () => {
  it('fails those who begin there, not those who share it from later on', async () => {
    const early = hub.subscribe({ key: 'a', afterRevision: 1 });
    const late = hub.subscribe({ key: 'a', afterRevision: 4 });
    const stream = await poll('the stream', () => member.streams[0]);
    stream.emit('data', { ...NOTHING, watch_id: '0', created: true, header: header() });
    const watches = await Promise.all([early, late]);
    const compacted = { ...NOTHING, watch_id: '0', canceled: true, compact_revision: '4', header: header() };
    stream.emit('data', compacted);

    await expect(watches[0].next()).rejects.toMatchObject({ revision: 5 });
    stream.emit('data', { ...NOTHING, watch_id: '1', created: true, header: header() });
    const events = [{ type: 'Put', kv: kvAt('5'), prev_kv: null }];
    stream.emit('data', { ...NOTHING, watch_id: '1', header: header(), events });
    expect((await watches[1].next())?.revision).toBe(5);
  });

  it('where no key lies is refused as what it is', async () => {
    const watching = hub.subscribe({ key: 'b', rangeEnd: 'a', afterRevision: 1 });
    const stream = await poll('the stream', () => member.streams[0]);
    const refused = { watch_id: NO_WATCH, created: true, canceled: true, header: header() };
    stream.emit('data', { ...NOTHING, ...refused, cancel_reason: 'mvcc: watcher range is empty' });

    await expect(watching).rejects.toBeInstanceOf(InvalidArgumentError);
  });
});

describe('a revision that cannot be counted', () => {
  it.each([
    ['an event', { watch_id: '0', events: [{ type: 'Put', kv: kvAt(BEYOND), prev_kv: null }] }],
    ['the progress of one watch', { watch_id: '0', header: { ...header(), revision: BEYOND } }],
    ['the progress of all', { watch_id: NO_WATCH, header: { ...header(), revision: BEYOND } }],
    ['a compaction', { watch_id: '0', canceled: true, compact_revision: BEYOND }],
    [
      'a compaction that refuses a third',
      { watch_id: NO_WATCH, canceled: true, created: true, compact_revision: BEYOND },
    ],
  ])('in %s ends all watches with an error of its own', async (_, response) => {
    const { stream, watches } = await watchTwo();
    const third = hub.subscribe({ key: 'c', afterRevision: 1 });
    const endings = Promise.allSettled([...watches.map((watch) => watch.next()), third]);
    stream.emit('data', { ...NOTHING, header: header(), ...response });

    for (const ending of await endings) {
      expect(ending).toEqual({ status: 'rejected', reason: expect.any(RevisionOverflowError) });
    }
  });

  it('in the answer of a member that comes back ends them too', async () => {
    const { stream, watches } = await watchTwo();
    const endings = Promise.allSettled(watches.map((watch) => watch.next()));
    member.answer({ header: { ...header(), revision: BEYOND } });
    stream.emit('end');

    for (const ending of await endings) {
      expect(ending).toEqual({ status: 'rejected', reason: expect.any(RevisionOverflowError) });
    }
    expect(member.streams.length).toBe(1);
  });
});

describe('a stream that says what etcd does not say', () => {
  it.each([
    ['without a header', { watch_id: '0', header: null }],
    ['of a progress without a header', { watch_id: NO_WATCH, header: null }],
    ['of an event without a record', { watch_id: '0', events: [{ type: 'Put', kv: null, prev_kv: null }] }],
  ])('%s is given up for another, on which the watches go on', async (_, response) => {
    const { stream, watches } = await watchTwo();
    const next = watches[0]!.next();
    stream.emit('data', { ...NOTHING, header: header(), ...response });
    expect(stream.isCancelled).toBe(true);
    const second = await poll('the second stream', () => member.streams[1]);
    while (second.written.length < 2) await once(second, 'written');
    second.emit('data', { ...NOTHING, watch_id: '0', created: true, header: header() });
    const event = { type: 'Put', kv: kvAt('3'), prev_kv: null };
    second.emit('data', { ...NOTHING, watch_id: '0', header: header(), events: [event] });
    expect((await next)?.revision).toBe(3);
  });

  it('is not opened again and again without a pause', async () => {
    void hub.subscribe({ key: 'a', afterRevision: 1 }).catch(() => {});
    let opened = 0;
    const until = performance.now() + 600;
    while (performance.now() < until) {
      const stream = member.streams[opened];
      if (stream !== undefined && stream.written.length > 0) {
        opened++;
        stream.emit('data', { ...NOTHING, watch_id: '0', created: true, header: header() });
        stream.emit('end');
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(opened).toBeGreaterThan(1);
    expect(opened).toBeLessThan(10);
  });
});

describe('the longest time without a stream', () => {
  const created = (id: string) => ({ ...NOTHING, watch_id: id, created: true, header: header() });

  it('is counted from the loss of the stream, not from what was last heard, until each watch is on another', async () => {
    const { stream } = await watchTwo();
    expect(hub.longestCutOffMs).toBeUndefined();
    await delay(50);
    const lostAt = performance.now();
    stream.emit('end');
    expect(hub.longestCutOffMs).toBeLessThanOrEqual(performance.now() - lostAt);
    const second = await poll('the second stream', () => member.streams[1]);
    while (second.written.length < 2) await once(second, 'written');
    second.emit('data', created('0'));
    expect(hub.longestCutOffMs).toBeGreaterThan(0);
    second.emit('data', created('1'));
    expect(hub.longestCutOffMs).toBeUndefined();
  });

  it('goes on over streams on which nothing was said', async () => {
    const { stream } = await watchTwo();
    stream.emit('end');
    const second = await poll('the second stream', () => member.streams[1]);
    const soFarMs = hub.longestCutOffMs!;
    await delay(20);
    second.emit('end');
    expect(hub.longestCutOffMs).toBeGreaterThan(soFarMs + 15);
  });

  it('does not count a watch that is only being begun, nor one that nobody reads any more', async () => {
    const { stream, watches } = await watchTwo();
    const third = hub.subscribe({ key: 'c', afterRevision: 1 });
    expect(hub.longestCutOffMs).toBeUndefined();
    stream.emit('end');
    for (const watch of watches) watch.cancel();
    expect(hub.longestCutOffMs).toBeUndefined();
    hub.close();
    await expect(third).rejects.toThrow(/closed/);
  });
});

it('hears what came while the event loop was blocked, of the watch and of its stream', async () => {
  const { stream } = await watchTwo();
  const begun = hub.subscribe({ key: 'c', afterRevision: 1 });
  while (stream.written.length < 3) await once(stream, 'written');
  // From here on timers come before what was received.
  await nextCheckPhase();
  setImmediate(() => stream.emit('data', { ...NOTHING, watch_id: '2', created: true, header: header() }));
  block(1600);
  await begun;
  expect(member.streams).toHaveLength(1);
});
