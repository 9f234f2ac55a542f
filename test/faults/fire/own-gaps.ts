import { machineMs } from '../../support/machine-ms.js';
import type { Interval } from '../checkers/history.js';

/** How long an event loop may stand still without being called blocked. */
const GAP_MS = 300;
const HEARTBEAT_MS = 50;

/** When this process stood still, and with it all lines to the members, which go through it. */
export class OwnGaps implements Disposable {
  readonly found: Interval[] = [];
  readonly #heartbeat: NodeJS.Timeout;
  #last = machineMs();

  constructor() {
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS).unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#heartbeat);
  }

  #beat(): void {
    const now = machineMs();
    if (now - this.#last > GAP_MS) this.found.push({ from: this.#last, to: now });
    this.#last = now;
  }
}
