import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import { open } from '../../lib/kvi/open.js';
import { EtcdStore } from '../../lib/store/etcd/etcd-store.js';
import { NamespacedStore } from '../../lib/store/namespaced-store.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { describeContract } from './contract.js';

/** Thousands of calls at once, on a machine with other work to do, take longer than one may in an application. */
const TIMEOUTS = { connectTimeoutMs: 30_000, requestTimeoutMs: 30_000 };

let etcd: EtcdServer;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd.stop());

/** Each test has a namespace of its own on one server. */
describeContract({
  name: 'etcd',
  async create() {
    const namespace = `${randomUUID()}/`;
    const logger = new RecordingLogger();
    const store = new EtcdStore([etcd.endpoint], { ...TIMEOUTS, logger });
    return {
      endpoint: etcd.endpoint,
      open: (options) =>
        open(etcd.endpoint, { ...TIMEOUTS, ...options, namespace: namespace + (options.namespace ?? '') }),
      store: new NamespacedStore(store, namespace),
      dispose: () => store.close(),
    };
  },
});
