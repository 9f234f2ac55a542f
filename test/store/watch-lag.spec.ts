import { expect, it } from '@jest/globals';
import type { WatchResponse } from '../../lib/store/store.js';
import { WatchLag } from '../../lib/store/watch-lag.js';
import { block } from '../support/block.js';
import { Hearing } from '../support/hearing.js';

const record = { key: 'k', value: 'v', createRevision: 2, modRevision: 2, version: 1, lease: '' };
const change = (): WatchResponse => ({
  revision: 2,
  events: [{ type: 'put', kv: record, previous: undefined }],
});

it('Changes are told of when they are taken, with the time since they came', () => {
  const lag = new WatchLag('mem:', { key: 'k' });
  using heard = new Hearing();
  const [first, second] = [change(), change()];
  lag.arrived(first);
  block(100);
  lag.arrived(second);
  lag.taken(first);
  lag.taken(second);
  const [slow, quick] = heard.events('watch.lag');
  expect(slow).toEqual({ endpoint: 'mem:', key: 'k', changes: 1, waitedMs: expect.any(Number) });
  expect(slow!.waitedMs).toBeGreaterThanOrEqual(100);
  expect(quick!.waitedMs).toBeLessThan(slow!.waitedMs);
});

it('Progress is no change', () => {
  const lag = new WatchLag('mem:', { key: 'k' });
  using heard = new Hearing();
  const progress = { revision: 7, events: [] };
  lag.arrived(progress);
  lag.taken(progress);
  expect(heard.all).toEqual([]);
});

it('What came before somebody listened is not told of: since when it waits is not known', () => {
  const lag = new WatchLag('mem:', { key: 'k', rangeEnd: 'l' });
  const [before, after] = [change(), change()];
  lag.arrived(before);
  using heard = new Hearing();
  lag.arrived(after);
  lag.taken(before);
  expect(heard.all).toEqual([]);
  lag.taken(after);
  expect(heard.events('watch.lag')).toMatchObject([{ key: 'k', rangeEnd: 'l' }]);
});
