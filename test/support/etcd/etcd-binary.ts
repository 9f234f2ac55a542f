import { type EtcdBinary, findEtcd } from './find-etcd.mjs';

export { type EtcdBinary, OLD_SUITE } from './find-etcd.mjs';

const found = new Map<string | undefined, Promise<EtcdBinary>>();

/** The etcd to test with, or the one of a Debian suite; looked for once in a process. */
export function etcdBinary(suite?: string): Promise<EtcdBinary> {
  const known = found.get(suite) ?? findEtcd(suite);
  found.set(suite, known);
  return known;
}
