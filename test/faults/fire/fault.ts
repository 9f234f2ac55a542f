import type { Credentials } from '../../support/etcd/alarm.js';
import type { EtcdCluster } from '../../support/etcd/etcd-cluster.js';
import type { GrpcRequestProxy } from '../../support/etcd/grpc-request-proxy.js';
import type { TcpProxy } from '../../support/etcd/tcp-proxy.js';
import type { Dice } from '../../support/random.mjs';
import type { Interval } from '../checkers/history.js';

/** Members, and who may do everything with them. */
export interface Administered {
  readonly cluster: EtcdCluster;
  /** Runs etcdctl against a member, as a user who may do everything. */
  ctl(member: number, ...args: string[]): Promise<string>;
  /** That user; none where nobody has to log in. */
  readonly root?: Credentials;
}

/** What there is to disturb: three members, with lines between them that can be cut, and who uses them. */
export interface Stage extends Administered {
  /** A line to each member, for bytes. */
  readonly links: readonly TcpProxy[];
  /** A line to each member, for requests; what becomes of these the weather says. */
  readonly wires: readonly GrpcRequestProxy[];
  readonly weather: Weather;
  readonly processes: readonly ClientProcess[];
  /** Whoever records the changes has all of them up to that revision. */
  readonly seen: { readonly revision: number };
  /**
   * When a leader of before, that had been stopped, let leases expire which the present one had renewed. Who stops a
   * leader adds to it.
   */
  readonly staleExpiries: Interval[];
}

export interface Weather {
  /** Nothing is answered, and all arrives late. */
  isStormy: boolean;
  /** Of 100 requests, as many are lost, as many have their answer lost, are late, or come twice. */
  shareOf100: number;
}

export interface ClientProcess {
  /** Of the run that lives now. */
  readonly name: string;
  /** SIGKILL; resolves when another run has taken its place. */
  kill(): Promise<void>;
  /** SIGSTOP. */
  stop(): void;
  goOn(): void;
  /** Its event loop is blocked for so many milliseconds. */
  block(ms: number): void;
}

/** Faults of different parts may come at once. Of the same one they would add up: two members down are no quorum. */
export type Part = 'members' | 'links' | 'requests' | 'clients' | 'data';

export interface Fault {
  readonly name: string;
  readonly part: Part;
  /**
   * Disturbs the stage for as long as the dice say, or until the signal. When it resolves, all is as it was before;
   * when it rejects, that could not be reached.
   */
  run(stage: Stage, dice: Dice, signal: AbortSignal): Promise<void>;
}
