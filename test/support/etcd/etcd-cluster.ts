import { stopLater, stopped } from './cleanup.js';
import { type EtcdOptions, EtcdServer, isPortTaken, launchEtcd, PORT_ATTEMPTS } from './etcd-server.js';
import type { LoopDisk } from './loop-disk.js';
import { type Membership, settleMembership } from './membership.js';
import type { PeerNetwork } from './peer-network.js';
import { poll } from './poll.js';
import { startProxy, type TcpProxy } from './tcp-proxy.js';

export interface ClusterOptions extends Omit<EtcdOptions, 'member' | 'disk'> {
  /** Default: 3. */
  readonly size?: number;
  /** Clients come through a proxy for each member. */
  readonly clientProxies?: boolean;
  /**
   * Members talk over lines that can be cut. These run in this process: one that blocks for longer than an election
   * takes gets a new leader.
   */
  readonly peerProxies?: boolean;
  /** For member 0 alone. */
  readonly disk?: LoopDisk | undefined;
}

/** Starts a cluster on the loopback and waits until all its members serve. */
export async function startCluster(options: ClusterOptions = {}): Promise<EtcdCluster> {
  for (let attempt = 1; ; attempt += 1) {
    const cluster = await launchCluster(options);
    try {
      await cluster.whenHealthy();
      return cluster;
    } catch (error) {
      await cluster.stop();
      if (attempt === PORT_ATTEMPTS || !cluster.members.some(isPortTaken)) throw error;
    }
  }
}

async function launchCluster(options: ClusterOptions): Promise<EtcdCluster> {
  const { size = 3, clientProxies = false, peerProxies = false, disk, ...server } = options;
  const membership = await settleMembership(size, peerProxies);
  const members = await Promise.all(
    membership.members.map((member, index) =>
      launchEtcd({ ...server, member, disk: index === 0 ? disk : undefined }),
    ),
  );
  const proxies = clientProxies ? members.map(({ ports }) => startProxy(ports.client)) : [];
  return new EtcdCluster(members, await Promise.all(proxies), membership);
}

/** Members, by their number from 0 on. */
export class EtcdCluster implements AsyncDisposable {
  readonly members: readonly EtcdServer[];
  /** In front of each member, if asked for. */
  readonly clientProxies: readonly TcpProxy[];
  readonly #membership: Membership;

  constructor(members: readonly EtcdServer[], clientProxies: readonly TcpProxy[], membership: Membership) {
    this.members = members;
    this.clientProxies = clientProxies;
    this.#membership = membership;
    stopLater(this);
  }

  /** Where clients connect to, through the proxies if there are some. */
  get endpoints(): string[] {
    return this.members.map(({ endpoint }, index) => {
      const proxy = this.clientProxies[index];
      return proxy === undefined ? endpoint : endpoint.replace(/\d+$/, String(proxy.port));
    });
  }

  /** The lines between members, if asked for. */
  get network(): PeerNetwork {
    if (this.#membership.network === undefined)
      throw new Error('a cluster without peerProxies has no lines to cut');
    return this.#membership.network;
  }

  member(index: number): EtcdServer {
    const member = this.members[index];
    if (member === undefined) throw new Error(`no member ${index}`);
    return member;
  }

  /** The number of the member that leads a quorum; waits for one. */
  leader(): Promise<number> {
    return poll('the cluster has a leader', () => firstTrue(this.members.map(isLeading)));
  }

  /** The numbers of the others. */
  async followers(): Promise<number[]> {
    const leader = await this.leader();
    return [...this.members.keys()].filter((index) => index !== leader);
  }

  async whenHealthy(): Promise<void> {
    await Promise.all(this.members.map((member) => member.whenHealthy()));
  }

  /** Cuts a member off from all others; clients still reach it. What was under way arrives after `heal`. */
  async isolate(index: number): Promise<void> {
    await Promise.all(this.network.linksOf(index).map((link) => link.hold()));
  }

  /** Mends all lines between members. */
  async heal(): Promise<void> {
    await Promise.all(this.network.links.map((link) => link.pass()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
    await Promise.all(this.clientProxies.map((proxy) => proxy.stop()));
    await this.#membership[Symbol.asyncDispose]();
    stopped(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** One that was cut off takes itself for the leader for a while, but does not answer a linearizable read. */
async function isLeading(member: EtcdServer): Promise<boolean> {
  if (!member.isRunning || member.isPaused) return false;
  const metrics = await member.metrics().catch(() => undefined);
  return metrics?.sum('etcd_server_is_leader') === 1 && (await member.isHealthy(500));
}

/** Where the first answer `true` is, without waiting for the others. */
function firstTrue(answers: readonly Promise<boolean>[]): Promise<number | undefined> {
  const places = answers.map(async (answer, index) => {
    if (await answer) return index;
    throw new Error('no');
  });
  return Promise.any(places).catch(() => undefined);
}
