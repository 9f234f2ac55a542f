import { createCertificates } from './certificates.js';
import type { EtcdServer } from './etcd-server.js';

/** Who may do everything in a cluster with tokens; for `auth` of clients. */
export const ROOT = { username: 'root', password: 'root-secret-7' } as const;

/** For etcdctl. */
export const AS_ROOT = ['--user', `${ROOT.username}:${ROOT.password}`] as const;

/**
 * For `args` of a server or a cluster: whoever logs in has a token that is good for so long, at every member. Such
 * tokens name the rights of their day: they are refused after any change of users or roles, too.
 */
export async function tokenArgs(ttlSec: number): Promise<string[]> {
  const { server } = await createCertificates();
  const files = `pub-key=${server.certFile},priv-key=${server.keyFile}`;
  return [
    `--auth-token=jwt,${files},sign-method=RS256,ttl=${ttlSec}s`,
    // Many log in again and again, and with the default each time takes a server a tenth of a second.
    '--bcrypt-cost=4',
  ];
}

/** From then on nobody but ROOT is served. */
export async function enableAuth(member: EtcdServer): Promise<void> {
  await member.ctl('user', 'add', `${ROOT.username}:${ROOT.password}`);
  await member.ctl('user', 'grant-role', 'root', 'root');
  await member.ctl('auth', 'enable');
}
