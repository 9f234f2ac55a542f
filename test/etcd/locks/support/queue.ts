import type { Kvi } from '../../../../lib/kvi/kvi.js';
import { poll } from '../../../support/etcd/poll.js';

export interface Place {
  readonly key: string;
  /** Its create revision: lock keys are put once. */
  readonly token: number;
}

/** Who stands in the queue of a lock, the holder first. */
export async function queueOf(kvi: Kvi, name: string): Promise<Place[]> {
  const { entries } = await kvi.snapshot({ prefix: `${name}/` });
  return entries.map(({ key, revision }) => ({ key, token: revision })).sort((a, b) => a.token - b.token);
}

/** Resolves when so many stand in the queue. */
export function untilQueued(kvi: Kvi, name: string, count: number): Promise<Place[]> {
  return poll(`${count} in the queue of ${name}`, async () => {
    const queue = await queueOf(kvi, name);
    return queue.length === count ? queue : undefined;
  });
}
