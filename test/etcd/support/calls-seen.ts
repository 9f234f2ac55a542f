import type { EtcdServer } from '../../support/etcd/etcd-server.js';

/** How many calls of these methods of KV the server was sent, whatever came of them. */
export async function callsSeenBy(
  etcd: EtcdServer,
  ...methods: readonly ('Txn' | 'Range')[]
): Promise<number> {
  const metrics = await etcd.metrics();
  return methods.reduce((sum, method) => {
    const name = `grpc_server_started_total{grpc_method="${method}",grpc_service="etcdserverpb.KV",grpc_type="unary"}`;
    return sum + (metrics.get(name) ?? 0);
  }, 0);
}
