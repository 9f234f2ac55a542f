import type { Fate } from './grpc-request-proxy.js';

const STATUS = '/etcdserverpb.Maintenance/Status';
const ASKS_FOR_A_USER: Fate = { kind: 'refused', code: 3, text: 'etcdserver: user name is empty' };

export function isStatus(method: string): boolean {
  return method === STATUS;
}

/** As etcd does from 3.5.28 on: whoever has not logged in is not told the status. Nothing of other requests. */
export function statusForUsers(method: string, hasToken: boolean): Fate | undefined {
  return isStatus(method) && !hasToken ? ASKS_FOR_A_USER : undefined;
}
