export interface EtcdBinary {
  readonly etcd: string;
  readonly etcdctl: string;
  readonly version: string;
}

/** The suite with etcd 3.4.23, whose watches and progress answers differ. */
export const OLD_SUITE: string;

/** A Debian suite ('bookworm', 'trixie', or 'own' for this machine's) asks for Debian's packages of it. */
export function findEtcd(suite?: string): Promise<EtcdBinary>;
