import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stopLater, stopped } from './cleanup.js';
import { type EtcdBinary, etcdBinary } from './etcd-binary.js';
import { EtcdProcess } from './etcd-process.js';
import { freePort } from './free-port.js';
import { fetchPage } from './loopback-http.js';
import type { LoopDisk } from './loop-disk.js';
import { Metrics } from './metrics.js';
import { poll } from './poll.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';
import { type ServerTls, tlsCtlArgs, tlsServerArgs } from './tls.js';

const run = promisify(execFile);

export const PORT_ATTEMPTS = 5;

/** One that waits for a lock goes on without a server, and after the test that failed. */
const CTL_MS = 60_000;
/** For one that is starved by others on its machine. */
const METRICS_MS = 30_000;
const PORT_TAKEN = /address already in use/;

export interface EtcdOptions {
  /** Default: the etcd to test with. */
  readonly binary?: EtcdBinary;
  /** More flags, as `--auth-token-ttl=1`. */
  readonly args?: readonly string[];
  /** Serves clients over TLS. */
  readonly tls?: ServerTls;
  /** Makes writes durable against a loss of power, slowly; they survive a SIGKILL without it. */
  readonly fsync?: boolean;
  /** Where its folder lies, made durable; default: with the temporary files. */
  readonly disk?: LoopDisk | undefined;
  /** How this member knows the others; default: it is alone. */
  readonly member?: Member;
}

/** A member's part in a cluster, whose ports are settled before it starts. */
export interface Member {
  readonly name: string;
  readonly peerPort: number;
  /** How it is reached by the others. */
  readonly listenArgs: readonly string[];
  /** Whom it knows; a restored member needs the same. */
  readonly clusterArgs: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

export interface Ports {
  readonly client: number;
  readonly metrics: number;
  readonly peer: number;
}

/** Starts one etcd on the loopback and waits until it serves. */
export async function startEtcd(options: EtcdOptions = {}): Promise<EtcdServer> {
  for (let attempt = 1; ; attempt += 1) {
    const server = await launchEtcd(options);
    try {
      await server.whenHealthy();
      return server;
    } catch (error) {
      await server.stop();
      if (attempt === PORT_ATTEMPTS || !isPortTaken(server)) throw error;
    }
  }
}

/** Another program was faster to take a port that was free. */
export function isPortTaken(server: EtcdServer): boolean {
  return PORT_TAKEN.test(server.output);
}

/** As `startEtcd`, without the wait: a member alone does not get healthy. */
export async function launchEtcd(options: EtcdOptions = {}): Promise<EtcdServer> {
  const binary = options.binary ?? (await etcdBinary());
  const folder = await temporaryFolder('etcd', options.disk?.folder);
  const ports = {
    client: await freePort(),
    metrics: await freePort(),
    peer: options.member?.peerPort ?? (await freePort()),
  };
  return new EtcdServer(binary, ports, folder, options);
}

/** A running etcd that a test may kill, stop, bring back and look into. */
export class EtcdServer implements AsyncDisposable {
  /** Where clients connect to. */
  readonly endpoint: string;
  readonly version: string;
  readonly #binary: EtcdBinary;
  readonly #options: EtcdOptions;
  /** Holds the data, and what tests put beside it. */
  readonly folder: string;
  readonly ports: Ports;
  /** The one that it has for itself. */
  readonly disk: LoopDisk | undefined;
  #process: EtcdProcess;
  #isPaused = false;
  #isNewcomer = false;

  constructor(binary: EtcdBinary, ports: Ports, folder: string, options: EtcdOptions) {
    this.#binary = binary;
    this.version = binary.version;
    this.ports = ports;
    this.folder = folder;
    this.#options = options;
    this.disk = options.disk;
    this.endpoint = `${options.tls ? 'https' : 'http'}://127.0.0.1:${ports.client}`;
    this.#process = this.#launch();
    stopLater(this);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get isRunning(): boolean {
    return !this.#process.hasEnded;
  }

  /** What this run of the server wrote. */
  get output(): string {
    return this.#process.output;
  }

  /** SIGKILL, as a crash. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.resume();
    const end = this.#process.end('SIGKILL');
    // A process that waits for a frozen disk does not die before that goes on.
    await this.disk?.thaw();
    await end;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** SIGSTOP, as a machine that hangs: connections stay, nothing answers. */
  pause(): void {
    this.#isPaused = true;
    this.#process.pause();
  }

  resume(): void {
    this.#process.resume();
    this.#isPaused = false;
  }

  /** Brings it back with its data and on its ports; kills it first if it runs. */
  async restart(): Promise<void> {
    await this.relaunch();
    await this.whenHealthy();
  }

  /** As `restart`, without the wait. */
  async relaunch(): Promise<void> {
    await this.kill();
    this.#process = this.#launch();
  }

  /** Starts it without its data, as a member that the others have just added. */
  async rejoin(): Promise<void> {
    await this.kill();
    await rm(this.#dataFolder, { recursive: true, force: true });
    this.#isNewcomer = true;
    await this.restart();
  }

  /** Ends it for good and removes its data. */
  async stop(): Promise<void> {
    await this.kill();
    await removeFolder(this.folder);
    stopped(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Resolves when it answers a linearizable read: it has a leader and serves. */
  async whenHealthy(): Promise<void> {
    const what = `etcd ${this.version} on ${this.endpoint} serves`;
    try {
      await poll(what, async () => {
        if (this.#process.hasEnded) throw new Error(`${what}: it has ended`);
        return (await this.isHealthy()) || undefined;
      });
    } catch (cause) {
      throw new Error(`${(cause as Error).message}\n${this.output}`, { cause });
    }
  }

  async isHealthy(timeoutMs?: number): Promise<boolean> {
    const page = await fetchPage(`${this.#metricsUrl}/health`, timeoutMs);
    return page !== undefined && /"health":\s*"?true/.test(page);
  }

  /** The numbers of its `/metrics`. */
  async metrics(): Promise<Metrics> {
    const page = await fetchPage(`${this.#metricsUrl}/metrics`, METRICS_MS);
    if (page === undefined) throw new Error(`etcd on ${this.endpoint} does not tell its metrics`);
    return new Metrics(page);
  }

  /** Runs etcdctl against it and gives what that printed. */
  async ctl(...args: string[]): Promise<string> {
    const { stdout } = await this.#etcdctl([
      `--endpoints=${this.endpoint}`,
      ...tlsCtlArgs(this.#options.tls),
      ...args,
    ]);
    return stdout;
  }

  /** Saves all its data to a file, for `restoreSnapshot`. */
  async saveSnapshot(file = join(this.folder, 'snapshot.db')): Promise<string> {
    await this.ctl('snapshot', 'save', file);
    return file;
  }

  /** Puts it back to a snapshot, as an operator does with a backup. */
  async restoreSnapshot(file: string): Promise<void> {
    await this.kill();
    await rm(this.#dataFolder, { recursive: true, force: true });
    const { name, clusterArgs } = this.#member();
    const target = [`--data-dir=${this.#dataFolder}`, `--name=${name}`, ...clusterArgs];
    await this.#etcdctl(['snapshot', 'restore', file, ...target]);
    await this.restart();
  }

  get #metricsUrl(): string {
    return `http://127.0.0.1:${this.ports.metrics}`;
  }

  get #dataFolder(): string {
    return join(this.folder, 'data');
  }

  #etcdctl(args: readonly string[]): Promise<{ stdout: string }> {
    const env = { PATH: process.env.PATH, ETCDCTL_API: '3' };
    return run(this.#binary.etcdctl, args, { env, timeout: CTL_MS, killSignal: 'SIGKILL' });
  }

  #launch(): EtcdProcess {
    return new EtcdProcess({
      binary: this.#binary.etcd,
      args: this.#args(),
      folder: this.folder,
      env: this.#options.member?.env,
    });
  }

  #args(): string[] {
    const { args = [], tls, disk, fsync = disk !== undefined } = this.#options;
    const { name, listenArgs, clusterArgs } = this.#member();
    return [
      `--name=${name}`,
      `--data-dir=${this.#dataFolder}`,
      `--listen-client-urls=${this.endpoint}`,
      `--advertise-client-urls=${this.endpoint}`,
      // Health and metrics stay in plain text and open whatever the clients' port demands.
      `--listen-metrics-urls=${this.#metricsUrl}`,
      ...listenArgs,
      ...clusterArgs,
      ...(this.#isNewcomer ? ['--initial-cluster-state=existing'] : []),
      ...FAST_RAFT,
      ...(fsync ? [] : ['--unsafe-no-fsync']),
      '--logger=zap',
      '--log-level=error',
      ...tlsServerArgs(tls),
      ...args,
    ];
  }

  #member(): Omit<Member, 'peerPort'> {
    const url = `http://127.0.0.1:${this.ports.peer}`;
    return (
      this.#options.member ?? {
        name: 'single',
        listenArgs: [`--listen-peer-urls=${url}`],
        clusterArgs: [`--initial-cluster=single=${url}`, `--initial-advertise-peer-urls=${url}`],
      }
    );
  }
}

/**
 * Elections in half a second, and leases of one second are granted. And members come and go without the others having
 * been connected for five seconds.
 */
const FAST_RAFT = ['--heartbeat-interval=50', '--election-timeout=500', '--strict-reconfig-check=false'];
