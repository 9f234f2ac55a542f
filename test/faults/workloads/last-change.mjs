import { setTimeout as delay } from 'node:timers/promises';

/** How long the last change may take on its way. Whoever gives up then leaves it to be missed. */
const PATIENCE_MS = 20_000;

/** Waits at the end until a watch has told of the last change. */
export class LastChange {
  /** Resolves with the last revision, when all of it was told, or when that has had its time. */
  reached;
  #revision = 0;
  #onReach = () => {};

  /** @param lastRevision resolves at the end, with the revision that is to be told as a whole: there is one behind it */
  constructor(lastRevision) {
    this.reached = lastRevision.then(async (revision) => {
      const arrived = new AbortController();
      this.#onReach = () => this.#revision > revision && arrived.abort();
      this.#onReach();
      await delay(PATIENCE_MS, undefined, { signal: arrived.signal }).catch(() => {});
      return revision;
    });
  }

  reach(revision) {
    this.#revision = Math.max(this.#revision, revision);
    this.#onReach();
  }

  /** Another history has begun, whose revisions are others. */
  startOver() {
    this.#revision = 0;
  }
}
