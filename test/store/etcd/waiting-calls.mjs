import { Calls } from '../../../dist/esm/store/etcd/calls.js';
import { HistoryGuard } from '../../../dist/esm/store/etcd/history-guard.js';
import { TokenSource } from '../../../dist/esm/store/etcd/token.js';

// Twenty calls at once that are not answered.

const read = (response) => response;
const call = { service: 'KV', method: 'range', payload: {}, what: 'A read', isRepeatable: true, read };
const member = {
  url: 'http://nobody',
  settle: () => Promise.resolve(),
  call: () => Promise.reject(new Error('no answer')),
};
const calls = new Calls([member], new TokenSource(undefined), new HistoryGuard(() => undefined), 100);
await Promise.allSettled(Array.from({ length: 20 }, () => calls.run(call)));
