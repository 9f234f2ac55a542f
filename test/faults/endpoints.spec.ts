import { describe, expect, it } from '@jest/globals';
import { startEtcd } from '../support/etcd/etcd-server.js';
import { startProxy } from '../support/etcd/tcp-proxy.js';
import { connect } from '../etcd/support/connect.js';
import { Follower } from '../etcd/support/follower.js';

const READS = 200;
const AT_ONCE = 20;
const REQUEST_MS = 3000;

describe('two endpoints', () => {
  it.each([
    ['refuses', 'at the start'],
    ['refuses', 'later'],
    ['is a black hole', 'at the start'],
    ['is a black hole', 'later'],
  ])(
    'answer every read when the first %s %s',
    async (fault, when) => {
      await using etcd = await startEtcd();
      await using proxy = await startProxy(etcd.ports.client);
      const breakLink = async (): Promise<void> => {
        if (fault === 'refuses') proxy.refuse();
        else await proxy.swallow();
      };
      if (when === 'at the start') await breakLink();
      await using connection = await connect([proxy.endpoint, etcd.endpoint], {
        requestTimeoutMs: REQUEST_MS,
      });
      const { kvi } = connection;
      await using follower = new Follower(kvi, { prefix: 'k/' });
      await kvi.store('a', '1');
      await breakLink();

      for (let done = 0; done < READS; done += AT_ONCE) {
        expect(new Set(await Promise.all(Array.from({ length: AT_ONCE }, () => kvi.get('a'))))).toEqual(
          new Set(['1']),
        );
      }
      await kvi.store('k/after', '');
      await follower.reached('k/after');
    },
    60_000,
  );
});
