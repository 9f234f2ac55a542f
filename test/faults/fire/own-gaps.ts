import { noteGaps } from '../../support/gaps.mjs';
import { machineMs } from '../../support/machine-ms.js';
import type { Interval } from '../checkers/history.js';

/** How long an event loop may stand still without being called blocked. */
const GAPS = { everyMs: 50, longerThanMs: 300 };

/** When this process stood still, and with it all lines to the members, which go through it. */
export class OwnGaps implements Disposable {
  readonly found: Interval[] = [];
  readonly #end = noteGaps(machineMs, GAPS, (gap) => this.found.push(gap));

  [Symbol.dispose](): void {
    this.#end();
  }
}
