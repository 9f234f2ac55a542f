import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { DistLockedOptions } from '../../../lib/index.js';
import { poll } from '../../support/etcd/poll.js';

const SCRIPT = fileURLToPath(new URL('replica.mjs', import.meta.url));

export interface ReplicaOptions {
  readonly endpoint: string;
  /** How long the job takes. */
  readonly jobMs: number;
  /** Of the job's `@DistLocked(0, …)`; it is scheduled for every second. */
  readonly options: DistLockedOptions;
  readonly sessionTtlSec?: number;
}

/** A run of the job. Times are those of `machineMs`. */
export interface Run {
  readonly replica: number;
  /** The second it was scheduled for, on the clock of its replica. */
  readonly tick: number;
  /** How much later than that it began. */
  readonly lateMs: number;
  readonly token: number;
  readonly beganAtMs: number;
  endedAtMs?: number;
}

type Line =
  | { readonly upAtTick: number }
  | Omit<Run, 'replica'>
  | { readonly token: number; readonly endedAtMs: number };

/** Replicas of one application, each a process with a clock of its own. */
export class Replicas implements AsyncDisposable {
  readonly runs: Run[] = [];
  readonly #children: ChildProcess[];
  readonly #upAtTicks: number[] = [];

  /** @param clocksAheadMs a replica for each, and how far its clock is ahead */
  constructor(options: ReplicaOptions, clocksAheadMs: readonly number[]) {
    this.#children = clocksAheadMs.map((clockAheadMs, replica) => {
      const args = [SCRIPT, JSON.stringify({ ...options, clockAheadMs })];
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
      createInterface(child.stdout).on('line', (line) => this.#take(replica, JSON.parse(line) as Line));
      return child;
    });
  }

  /** Resolves when all of them are up, with the second in which the last came. */
  async up(): Promise<number> {
    const { length } = this.#children;
    const areUp = (): true | undefined => this.#upAtTicks.length === length || undefined;
    await poll('the replicas are up', areUp, 120_000);
    return Math.max(...this.#upAtTicks);
  }

  /** Resolves with the first run that `isWanted`. */
  ran(what: string, isWanted: (run: Run) => boolean, timeoutMs: number): Promise<Run> {
    return poll(`a run ${what}`, () => this.runs.find(isWanted), timeoutMs);
  }

  /** Kills the process of a replica, as a crash would, and resolves when it is gone. */
  async kill(replica: number): Promise<void> {
    const child = this.#children[replica]!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'close');
    child.kill('SIGKILL');
    await exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((_child, replica) => this.kill(replica)));
  }

  #take(replica: number, line: Line): void {
    if ('upAtTick' in line) {
      this.#upAtTicks.push(line.upAtTick);
    } else if ('beganAtMs' in line) {
      this.runs.push({ replica, ...line });
    } else {
      this.runs.find(({ token }) => token === line.token)!.endedAtMs = line.endedAtMs;
    }
  }
}
