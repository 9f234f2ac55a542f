import { LockProcess } from './lock-process.js';

/** Times as of `now()` in `serve.mjs`. */
export interface Turn {
  readonly token: number;
  readonly grantedAt: number;
  /** When it began to give the lock back. */
  readonly releasedAt: number;
}

export interface Results {
  readonly grants: readonly Turn[];
  /** The names of the errors that the other calls ended with. */
  readonly failures: readonly string[];
}

/** A process that waits for one lock many times at once: `queuer-process.mjs`. */
export class Queuer extends LockProcess {
  constructor() {
    super('queuer-process.mjs');
  }

  open(endpoint: string): Promise<void> {
    return this.ask('open', endpoint);
  }

  /** Waits once more. After `quitAfter` grants, the last `quitters` of those that still wait give up. */
  join(name: string, plan: { quitAfter: number; quitters: number }): Promise<void> {
    return this.ask('join', name, plan);
  }

  /** Resolves when all have had the lock or given up. */
  results(): Promise<Results> {
    return this.ask('results');
  }
}
