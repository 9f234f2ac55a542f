import { LockProcess } from './lock-process.js';

export interface Append {
  readonly list: string;
  /** No other append has the same. */
  readonly item: string;
  /** What the lock said of itself just before the write. */
  readonly wasHeld: boolean;
  /** 'acknowledged', or the name of the error. */
  readonly outcome: string;
}

/** A process that appends to lists, each under a lock of its own: `appender-process.mjs`. */
export class Appender extends LockProcess {
  constructor() {
    super('appender-process.mjs');
  }

  open(endpoint: string): Promise<void> {
    return this.ask('open', endpoint);
  }

  /** Writes through `lock.kv` if it is `isFenced`, else through the handle. */
  append(list: string, isFenced: boolean): Promise<Append> {
    return this.ask('append', list, isFenced);
  }

  /** Takes the locks of all the lists and reads the lists. */
  begin(lists: readonly string[]): Promise<void> {
    return this.ask('begin', lists);
  }

  /** Writes what was begun. */
  finish(isFenced: boolean): Promise<Append[]> {
    return this.ask('finish', isFenced);
  }
}
