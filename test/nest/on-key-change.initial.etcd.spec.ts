import { afterEach, describe, expect, it } from '@jest/globals';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { closeAll } from './support/apps.js';
import { consecutive, startUnderCounter } from './support/gapless.js';

afterEach(closeAll);

const STARTS = 100;

describe('initial: true under a writer that never pauses, on etcd', () => {
  it(`leaves no gap and no duplicate between the first pass and the first change: ${STARTS} starts`, async () => {
    await using etcd = await startEtcd();
    const counted = await startUnderCounter(etcd.endpoint, STARTS);
    expect(counted).toHaveLength(STARTS);
    for (const numbers of counted) expect(numbers).toEqual(consecutive(numbers));
  }, 240_000);
});
