export interface EtcdBinary {
  readonly etcd: string;
  readonly etcdctl: string;
  readonly version: string;
}

/** A Debian suite ('bookworm', 'trixie', or 'own' for this machine's) asks for Debian's packages of it. */
export function findEtcd(suite?: string): Promise<EtcdBinary>;
