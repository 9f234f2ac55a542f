import { Etcd3 } from 'etcd3';

const TIMEOUT_MS = 3000;

/** Refuses all stores, as an etcd whose quota is used up. `etcdctl alarm disarm` ends it; etcdctl cannot begin it. Anybody may. */
export async function raiseNoSpace(endpoint: string): Promise<void> {
  const client = new Etcd3({ hosts: endpoint });
  try {
    const request = { action: 'Activate', alarm: 'Nospace' } as const;
    await client.maintenance.alarm(request, { deadline: Date.now() + TIMEOUT_MS });
  } finally {
    client.close();
  }
}
