import { describe, expect, it } from '@jest/globals';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { connect } from './support/connect.js';
import { Follower } from './support/follower.js';
import { Writer } from './support/writer.js';

const KILLS = 6;

/** In which no server stays away. */
const LONG_MS = 15_000;

describe('a server that is killed and restarted under a writer', () => {
  it.each([
    ['retries', { retryableWrites: true, requestTimeoutMs: LONG_MS }, false],
    ['does not retry', { retryableWrites: false, requestTimeoutMs: 1500 }, true],
  ])(
    'that %s loses no acknowledged put, repeats none and keeps their order',
    async (_, options, mayFail) => {
      await using etcd = await startEtcd();
      await using writing = await connect(etcd.endpoint, options);
      await using reading = await connect(etcd.endpoint);
      await using follower = new Follower(reading.kvi, { prefix: 'k/' });
      await using writer = new Writer(writing.kvi, 'k/number');
      for (let kill = 0; kill < KILLS; kill++) {
        await writer.moreAcknowledged(200);
        await etcd.kill();
        await etcd.restart();
      }
      await writer.moreAcknowledged(1);
      await writer.stop();
      await writing.kvi.store('k/end', '');
      await follower.reached('k/end');

      const seen = follower.changes.filter(({ key }) => key === writer.key).map(({ value }) => Number(value));
      const revisions = follower.changes.map(({ revision }) => revision);
      expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
      expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
      expect(writer.acknowledged.filter((number) => !seen.includes(number))).toEqual([]);
      expect(writer.notApplied.filter((number) => seen.includes(number))).toEqual([]);
      expect(writer.outcomes.some((outcome) => outcome !== 'acknowledged')).toBe(mayFail);
    },
    120_000,
  );
});
