import { Etcd3 } from 'etcd3';

const TIMEOUT_MS = 3000;

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/**
 * Refuses all stores, as an etcd whose quota is used up. `etcdctl alarm disarm` ends it; etcdctl cannot begin it. Where
 * users are asked for, etcd 3.5.30 lets only root do it, older ones anybody.
 */
export async function raiseNoSpace(endpoint: string, auth?: Credentials): Promise<void> {
  const client = new Etcd3({ hosts: endpoint, auth });
  try {
    const request = { action: 'Activate', alarm: 'Nospace' } as const;
    await client.maintenance.alarm(request, { deadline: Date.now() + TIMEOUT_MS });
  } finally {
    client.close();
  }
}
