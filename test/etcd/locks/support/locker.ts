import type { KviOptions } from '../../../../lib/kvi/options.js';
import { LockProcess } from './lock-process.js';

/** What a process that was stopped or blocked heard from a lock; times as of `now()` in `serve.mjs`. */
export interface Answers {
  readonly name: string;
  /** When `assertHeld` was last called and did not throw. */
  readonly lastHeldAt: number;
  /** When it had last thrown. */
  readonly lastLostAt: number;
}

export interface Interval {
  readonly from: number;
  readonly to: number;
}

export interface Grant {
  readonly grantedAt: number;
  readonly token: number;
}

/** A process that takes locks: `locker-process.mjs`. */
export class Locker extends LockProcess {
  constructor() {
    super('locker-process.mjs');
  }

  /** Answers the number of the handle. */
  open(endpoint: string, options: KviOptions = {}): Promise<number> {
    return this.ask('open', endpoint, options);
  }

  lock(handle: number, name: string): Promise<Grant> {
    return this.ask('lock', handle, name);
  }

  /** When the signal of the lock aborted. */
  abortedAt(name: string): Promise<number> {
    return this.ask('abortedAt', name);
  }

  /** When the process did not run: what it knows it could not tell meanwhile. */
  gaps(): Promise<Interval[]> {
    return this.ask('gaps');
  }

  release(name: string): Promise<void> {
    return this.ask('release', name);
  }

  close(handle: number): Promise<void> {
    return this.ask('close', handle);
  }

  /** Begins to call `assertHeld` of all locks in each turn of the event loop, until none is held. */
  startAsking(): Promise<void> {
    return this.ask('startAsking');
  }

  /** Resolves when none is held. */
  answers(): Promise<Answers[]> {
    return this.ask('answers');
  }

  /** Writes to `late/NAME` through each lock's `kv`, and answers the names of the errors. */
  lateWrites(): Promise<(string | undefined)[]> {
    return this.ask('lateWrites');
  }

  /** Calls `assertHeld` in a loop that lets nothing else run until the file is there, and once more then. */
  blockUntil(file: string): Promise<Answers[]> {
    return this.ask('blockUntil', file);
  }
}
