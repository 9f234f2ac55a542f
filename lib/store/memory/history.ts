import { CompactedError, InvalidArgumentError } from '../errors.js';
import { spanHolds } from '../key-span.js';
import type { KeyRecord, KeySpan, WatchEvent, WatchResponse } from '../store.js';
import { weightOf } from '../weight.js';

/**
 * The last revisions and what each of them changed. Every event keeps the record before it, so the past is the
 * present with the later events taken back, and compaction is forgetting the oldest revisions.
 */
export class History {
  /** The newest revision. etcd's stores begin with 1, too. */
  revision = 1;

  /** Revisions up to this one cannot be watched, those below it cannot be read. */
  compactRevision = this.revision;

  /** The changes of each revision in `compactRevision + 1 … revision`, the first at index 0. */
  readonly #changes: WatchResponse[] = [];
  readonly #maxWeight: number;
  #weight = 0;

  /** @param maxWeight how much to keep, in characters of keys and values */
  constructor(maxWeight: number) {
    this.#maxWeight = maxWeight;
  }

  get isOverweight(): boolean {
    return this.#weight > this.#maxWeight && this.#changes.length > 1;
  }

  append(changes: WatchResponse): void {
    this.revision = changes.revision;
    this.#changes.push(changes);
    this.#weight += weightOf(changes);
  }

  /** Forgets the changes up to `revision`. */
  compact(revision: number): void {
    if (revision === this.compactRevision) throw compacted(revision, this.compactRevision);
    this.checkReadable(revision);
    const forgotten = this.#changes.splice(0, revision - this.compactRevision);
    for (const changes of forgotten) this.#weight -= weightOf(changes);
    this.compactRevision = revision;
  }

  /**
   * The revision to compact at, so that half the weight allowed is left: compaction is then rare and costs little
   * for each write. The newest revision always stays, however heavy.
   */
  halfWeightRevision(): number {
    let weight = this.#weight;
    const lastForgotten = this.#changes.findIndex((changes) => {
      weight -= weightOf(changes);
      return weight <= this.#maxWeight / 2;
    });
    return Math.min(this.compactRevision + lastForgotten + 1, this.revision - 1);
  }

  checkReadable(revision: number): void {
    if (revision < this.compactRevision) throw compacted(revision, this.compactRevision);
    if (revision > this.revision) throw inFuture(revision, this.revision);
  }

  /** What changed in a span above `revision`. */
  changesAfter(revision: number, span: KeySpan): WatchResponse[] {
    if (revision < this.compactRevision) throw compacted(revision, this.compactRevision);
    return this.#changes
      .slice(revision - this.compactRevision)
      .map((changes) => changesIn(span, changes))
      .filter((changes) => changes !== undefined);
  }

  /**
   * The records that keys of a span had at `revision`, where they differ from now; undefined: there was none.
   *
   * @param uncommitted the latest changes, when they are not part of the history yet
   */
  recordsBefore(
    revision: number,
    span: KeySpan,
    uncommitted: readonly WatchEvent[] = [],
  ): Map<string, KeyRecord | undefined> {
    this.checkReadable(revision);
    const records = new Map<string, KeyRecord | undefined>();
    const committed = this.changesAfter(revision, span).flatMap(({ events }) => events);
    const latest = uncommitted.filter(({ kv }) => spanHolds(span, kv.key));
    for (const { kv, previous } of [...committed, ...latest]) {
      if (!records.has(kv.key)) records.set(kv.key, previous);
    }
    return records;
  }
}

/** The part of a revision's changes that lies in a span; the same object when that is all of it. */
export function changesIn(span: KeySpan, changes: WatchResponse): WatchResponse | undefined {
  const events = changes.events.filter((event) => spanHolds(span, event.kv.key));
  if (events.length === 0) return undefined;
  return events.length === changes.events.length ? changes : { revision: changes.revision, events };
}

export function compacted(revision: number, compactRevision: number): CompactedError {
  return new CompactedError(
    `Revision ${revision} was asked for, but the store has compacted its history up to ${compactRevision}. ` +
      `Read the present state and go on from there.`,
    compactRevision + 1,
  );
}

function inFuture(revision: number, newest: number): InvalidArgumentError {
  return new InvalidArgumentError(`Revision ${revision} was asked for, but the newest is ${newest}.`);
}
