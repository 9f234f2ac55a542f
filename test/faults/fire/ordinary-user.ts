import type { EtcdServer } from '../../support/etcd/etcd-server.js';
import { rawCall, rawClient } from '../../support/etcd/raw-services.js';

/** Who may use every key that has a name, as README tells to grant it, and no more: nothing tells it where the store stands. */
export const ORDINARY = { username: 'ordinary', password: 'ordinary-secret-7' } as const;

const ROLE = 'every-key';
/** The first of the library's own keys. */
const FIRST = Buffer.from('\0hmetcd/');
/** All that follows, for etcd. */
const NO_END = Buffer.from([0]);

/** Before users are asked for. */
export async function addOrdinaryUser(member: EtcdServer): Promise<void> {
  const { username, password } = ORDINARY;
  await member.ctl('user', 'add', `${username}:${password}`);
  await member.ctl('role', 'add', ROLE);
  await member.ctl('user', 'grant-role', username, ROLE);
  // No argument of a command can be such a key.
  const client = rawClient('Auth', member.ports.client);
  try {
    const perm = { permType: 'Readwrite', key: FIRST, rangeEnd: NO_END };
    await rawCall(client, 'roleGrantPermission', { name: ROLE, perm });
  } finally {
    client.close();
  }
}
