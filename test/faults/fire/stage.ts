import { stopLater, stopped } from '../../support/etcd/cleanup.js';
import { type EtcdCluster, startCluster } from '../../support/etcd/etcd-cluster.js';
import { AS_ROOT, enableAuth, ROOT, tokenArgs } from '../../support/etcd/expiring-tokens.js';
import { type GrpcRequestProxy, startGrpcRequestProxy } from '../../support/etcd/grpc-request-proxy.js';
import { tryLoopDisk } from '../../support/etcd/loop-disk.js';
import { statusForUsers } from '../../support/etcd/status-for-users.js';
import { startProxy, type TcpProxy } from '../../support/etcd/tcp-proxy.js';
import { Dice } from '../../support/random.mjs';
import type { Interval } from '../checkers/history.js';
import { type ChildOptions, ClientProcess } from './client-process.js';
import type { Stage as StageOfFaults } from './fault.js';
import { addOrdinaryUser, ORDINARY } from './ordinary-user.js';
import { Recorder } from './recorder.js';
import { Weather } from './weather.js';

export interface StageOptions extends Omit<ChildOptions, 'script' | 'endpoints' | 'auth'> {
  /** Processes with clients. */
  readonly processes: number;
  /** Processes with a Nest application. */
  readonly applications: number;
}

/** Clients log in again and again. */
const TOKEN_SEC = 10;

/** Three members, the lines to them, and processes that use them: all that faults can do something to. */
export class Stage implements StageOfFaults, AsyncDisposable {
  readonly cluster: EtcdCluster;
  readonly root = ROOT;
  /** A line to each member, which is cut, slow or dead: for every other process. */
  readonly links: readonly TcpProxy[];
  /** A line to each member on which single requests get lost: for the others. */
  readonly wires: readonly GrpcRequestProxy[];
  readonly weather: Weather;
  /** What has happened in the store. Nothing above its revision may be compacted. */
  readonly seen: Recorder;
  readonly staleExpiries: Interval[] = [];
  /** Those that faults may stop and kill. */
  readonly processes: readonly ClientProcess[];
  /** They, and one that is spared, to be looked at from the beginning to the end. */
  readonly everybody: readonly ClientProcess[];

  private constructor(
    cluster: EtcdCluster,
    links: readonly TcpProxy[],
    wires: readonly GrpcRequestProxy[],
    weather: Weather,
    options: StageOptions,
  ) {
    this.cluster = cluster;
    this.links = links;
    this.wires = wires;
    this.weather = weather;
    this.seen = new Recorder(
      cluster.members.map(({ ports }) => ports.client),
      ROOT,
    );
    this.everybody = this.#start(options);
    this.processes = this.everybody.slice(1);
    stopLater(this);
  }

  static async start(options: StageOptions): Promise<Stage> {
    const disk = await tryLoopDisk();
    const cluster = await startCluster({
      args: await tokenArgs(TOKEN_SEC),
      peerProxies: true,
      disk: disk instanceof Error ? undefined : disk,
    });
    await addOrdinaryUser(cluster.member(0));
    await enableAuth(cluster.member(0));
    const ports = cluster.members.map((member) => member.ports.client);
    const weather = new Weather(new Dice(options.seed));
    const links = await Promise.all(ports.map((port) => startProxy(port)));
    // A status, which may lie behind, comes so into the calls of those who have logged in.
    const fates = (method: string, hasToken: boolean) =>
      statusForUsers(method, hasToken) ?? weather.fateOf(method);
    const wires = await Promise.all(ports.map((port) => startGrpcRequestProxy(port, fates)));
    return new Stage(cluster, links, wires, weather, options);
  }

  ctl(member: number, ...args: string[]): Promise<string> {
    return this.cluster.member(member).ctl(...AS_ROOT, ...args);
  }

  /** Ends what is still there; processes that were finished are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of [...this.everybody, this.seen, ...this.wires, ...this.links, this.cluster])
      await part[Symbol.asyncDispose]();
    stopped(this);
  }

  #start({ processes, applications, ...options }: StageOptions): ClientProcess[] {
    return Array.from({ length: processes + applications }, (_, number) => {
      const isClient = number < processes;
      const lines = number % 2 === 0 ? this.links : this.wires;
      const first = number % lines.length;
      return new ClientProcess(isClient ? `client-${number}` : `application-${number}`, {
        ...options,
        // Some of them on each kind of line.
        auth: number % 4 < 2 ? ROOT : ORDINARY,
        script: isClient ? 'clients' : 'application',
        seed: options.seed * 1000 + number,
        endpoints: [...lines.slice(first), ...lines.slice(0, first)].map(({ endpoint }) => endpoint),
      });
    });
  }
}
