import type { Fate } from '../../support/etcd/grpc-request-proxy.js';
import type { Dice } from '../../support/random.mjs';

/** Attempts take no longer than 1.5 s: what comes later comes behind another copy. */
const LATEST_MS = 3000;
/** Of what is lost, callers are told of all but so few: the others wait until the end of an attempt. */
const SILENT_OF_100 = 5;

/** What becomes of the requests to all members. */
export class Weather {
  /** Nothing is answered, and everything arrives later. */
  isStormy = false;
  /** Of 100 requests, so many are lost, so many have their answer lost, so many are late, and so many repeated. */
  shareOf100: number;
  readonly #dice: Dice;

  constructor(dice: Dice, shareOf100 = 0) {
    this.#dice = dice;
    this.shareOf100 = shareOf100;
  }

  fateOf(method: string): Fate {
    const isSilent = this.#dice.percent(SILENT_OF_100);
    const ms = this.#dice.below(LATEST_MS);
    const place = Math.floor(this.#dice.below(100) / this.shareOf100);
    if (!method.startsWith('/etcdserverpb.KV/')) return { kind: 'passed' };
    if (this.isStormy) return { kind: 'delayed', ms, isSilent: true };
    const adversities: readonly Fate[] = [
      { kind: 'request lost', isSilent },
      { kind: 'response lost', isSilent },
      { kind: 'delayed', ms, isSilent },
      { kind: 'repeated', ms },
    ];
    return adversities[place] ?? { kind: 'passed' };
  }
}
