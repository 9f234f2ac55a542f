import { expect, it } from '@jest/globals';
import { CompactedError } from '../../../lib/store/errors.js';
import { withCompactRevision } from '../../../lib/store/etcd/compact-revision.js';
import type { WatchHub } from '../../../lib/store/etcd/watch-hub.js';

const untold = new CompactedError('compacted', 1);
const REQUEST = { key: 'a', rangeEnd: 'b', revision: 4 };

/** Stands for the hub's watches, as far as one is begun alone. */
function hub(next: () => Promise<undefined>, onCancel = (): void => {}): WatchHub {
  const watch = { next, cancel: onCancel };
  return { subscribeAlone: () => Promise.resolve(watch) } as unknown as WatchHub;
}

it('what a watch is told of a compaction is the error', async () => {
  const told = new CompactedError('compacted up to 8', 9);
  expect(
    await withCompactRevision(
      untold,
      hub(() => Promise.reject(told)),
      REQUEST,
    ),
  ).toBe(told);
});

it('a watch that is not told does not hold the error up, and is cancelled', async () => {
  let isCancelled = false;
  const silent = hub(
    () => new Promise(() => {}),
    () => (isCancelled = true),
  );
  expect(await withCompactRevision(untold, silent, REQUEST)).toBe(untold);
  expect(isCancelled).toBe(true);
});

it('a watch that cannot be begun does not hold the error up, and is cancelled when it has begun after all', async () => {
  let begin = (_watch: object): void => {};
  const beginning = new Promise<object>((resolve) => (begin = resolve));
  const slow = { subscribeAlone: () => beginning } as unknown as WatchHub;
  expect(await withCompactRevision(untold, slow, REQUEST)).toBe(untold);
  const cancelled = new Promise<void>((resolve) => {
    begin({ next: () => Promise.resolve(undefined), cancel: resolve });
  });
  await cancelled;
});
