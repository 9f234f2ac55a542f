import { callClock } from '../clock.js';
import { CompactedError } from '../errors.js';
import { pause } from '../pause.js';
import type { RangeRequest } from '../store.js';
import type { WatchHub } from './watch-hub.js';

/** The read has failed already, and its time may be over. A member that is behind in compacting may not tell at all. */
const LOOK_MS = 500;

/** A read is only told that its revision is compacted; a watch from there is told what is left. */
export async function withCompactRevision(
  untold: CompactedError,
  watches: WatchHub,
  { key, revision = 1 }: RangeRequest,
): Promise<CompactedError> {
  const looked = new AbortController();
  let answer = untold;
  const look = async (): Promise<void> => {
    const watch = await watches.subscribeAlone({ key, afterRevision: revision - 1 });
    looked.signal.addEventListener('abort', () => watch.cancel());
    if (looked.signal.aborted) watch.cancel();
    await watch.next();
  };
  const take = (told: unknown): void => {
    if (told instanceof CompactedError) answer = told;
  };
  void look()
    .catch(take)
    .finally(() => looked.abort());
  await pause(callClock, LOOK_MS, looked.signal);
  looked.abort();
  return answer;
}
