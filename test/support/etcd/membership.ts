import { createCertificates } from './certificates.js';
import type { Member } from './etcd-server.js';
import { freePort } from './free-port.js';
import { PEER_HOST, PeerNetwork } from './peer-network.js';

/** Who is in a cluster and how its members reach each other. */
export interface Membership extends AsyncDisposable {
  readonly members: readonly Member[];
  readonly network: PeerNetwork | undefined;
}

export async function settleMembership(size: number, onLines: boolean): Promise<Membership> {
  const ports = await Promise.all(Array.from({ length: size }, () => freePort()));
  return onLines ? membershipOnLines(ports) : directMembership(ports);
}

function directMembership(ports: readonly number[]): Membership {
  const members = membersOf(ports, 'http://127.0.0.1', 'http://127.0.0.1');
  return { members, network: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** With TLS, because what goes through a proxy to an https address is a mere stream of bytes to it. */
async function membershipOnLines(ports: readonly number[]): Promise<Membership> {
  const network = await PeerNetwork.start(ports);
  const certificates = await createCertificates();
  const tls = [
    `--peer-cert-file=${certificates.server.certFile}`,
    `--peer-key-file=${certificates.server.keyFile}`,
    `--peer-trusted-ca-file=${certificates.ca.certFile}`,
  ];
  const members = membersOf(ports, `https://${PEER_HOST}`, 'https://127.0.0.1');
  return {
    members: members.map((member, index) => ({
      ...member,
      listenArgs: [...member.listenArgs, ...tls],
      env: network.env(index),
    })),
    network,
    async [Symbol.asyncDispose]() {
      await network[Symbol.asyncDispose]();
      await certificates[Symbol.asyncDispose]();
    },
  };
}

function membersOf(ports: readonly number[], advertised: string, listening: string): Member[] {
  const cluster = ports.map((port, index) => `member${index}=${advertised}:${port}`).join(',');
  return ports.map((port, index) => ({
    name: `member${index}`,
    peerPort: port,
    listenArgs: [`--listen-peer-urls=${listening}:${port}`],
    clusterArgs: [`--initial-cluster=${cluster}`, `--initial-advertise-peer-urls=${advertised}:${port}`],
  }));
}
