import { StoreReplacedError } from '../errors.js';
import { toNumber } from './codec.js';
import type { Header } from './messages.js';

/**
 * Notices that another history stands behind the endpoints: another cluster, or a backup that was restored to an
 * older revision. A watch would stay silent there until the revision has caught up.
 */
export class HistoryGuard {
  readonly #onReplaced: (error: StoreReplacedError) => void;
  #cluster: string | undefined;
  #highest = 0;
  #generation = 0;

  constructor(onReplaced: (error: StoreReplacedError) => void) {
    this.#onReplaced = onReplaced;
  }

  /** Grows with every history: what belongs to an older one is gone. */
  get generation(): number {
    return this.#generation;
  }

  /** Takes the measure of a linearizable call before it is sent; hand its answer's header to the result. */
  begin(): (header: Header) => void {
    const floor = this.#highest;
    const generation = this.#generation;
    return (header) => {
      const revision = toNumber(header.revision);
      // An answer from before the change says nothing of what came after.
      if (generation === this.#generation) this.#see(String(header.cluster_id), revision, floor);
    };
  }

  /** A change of that revision was seen: whoever is asked from now on must know of it. */
  saw(revision: number): void {
    this.#highest = Math.max(this.#highest, revision);
  }

  #see(answering: string, revision: number, floor: number): void {
    const cluster = (this.#cluster ??= answering);
    if (cluster !== answering) {
      this.#replace(answering, revision, 'another cluster answers at these endpoints');
    } else if (revision < floor) {
      this.#replace(
        cluster,
        revision,
        `its revision went back from ${floor} to ${revision}, as after a restored backup`,
      );
    } else {
      this.saw(revision);
    }
  }

  #replace(cluster: string, revision: number, why: string): void {
    this.#cluster = cluster;
    this.#highest = revision;
    this.#generation++;
    this.#onReplaced(
      new StoreReplacedError(
        `The store is not the one it was: ${why}. Locks, temporary keys and watches of before are over; read the present state and go on from there.`,
      ),
    );
  }
}
