import { randomUUID } from 'node:crypto';
import { afterAll } from '@jest/globals';
import { startEtcd } from '../../support/etcd/etcd-server.js';
import { useStores } from './stores.js';

// One server a file; each store is a namespace of its own on it.
const etcd = await startEtcd();
afterAll(() => etcd.stop());

useStores({
  newStore: () => ({ endpoint: etcd.endpoint, namespace: `${randomUUID()}/` }),
  async compact(_place, revision) {
    await etcd.ctl('compact', String(revision));
  },
});
