import { CompactedError, InvalidArgumentError } from '../errors.js';
import { spanHolds } from '../key-span.js';
import type { KeyRecord, KeySpan, WatchEvent, WatchResponse } from '../store.js';
import { weightOfChange } from '../weight.js';

/**
 * The last revisions and what each of them changed. Every change keeps the record before it, so the past is the
 * present with the later changes taken back, and compaction is forgetting the oldest revisions.
 */
export class History {
  /** The newest revision. etcd's stores begin with 1, too. */
  revision = 1;

  /** Revisions up to this one cannot be watched, those below it cannot be read. */
  compactRevision = this.revision;

  /**
   * What each change left, oldest first, and below what was there before it. There may be half a million of them:
   * nothing is kept around two records, and whose revision a change belongs to the record itself tells.
   */
  readonly #records: KeyRecord[] = [];
  readonly #previous: (KeyRecord | undefined)[] = [];
  readonly #maxWeight: number;
  #weight = 0;

  /** @param maxWeight how much to keep, in characters of keys and values */
  constructor(maxWeight: number) {
    this.#maxWeight = maxWeight;
  }

  get isOverweight(): boolean {
    return this.#weight > this.#maxWeight && this.revision - this.compactRevision > 1;
  }

  /** The revision of what is there now: of the changes that are not committed yet, if there are any. */
  get presentRevision(): number {
    return this.#records.at(-1)?.modRevision ?? this.revision;
  }

  /**
   * Takes in a change of the revision that is to come.
   *
   * @param kv with that revision; a deletion has version 0, as etcd's tombstones do
   */
  append(kv: KeyRecord, previous: KeyRecord | undefined): void {
    this.#records.push(kv);
    this.#previous.push(previous);
    this.#weight += weightOfChange(kv, previous);
  }

  /** Makes what was appended a revision. Answers whether there was anything. */
  commit(): boolean {
    const { presentRevision } = this;
    if (presentRevision === this.revision) return false;
    this.revision = presentRevision;
    return true;
  }

  /** Forgets the changes up to `revision`. */
  compact(revision: number): void {
    if (revision === this.compactRevision) throw compacted(revision, this.compactRevision);
    this.checkReadable(revision);
    const forgotten = this.#indexAfter(revision);
    for (let i = 0; i < forgotten; i++) this.#weight -= this.#weightAt(i);
    this.#records.splice(0, forgotten);
    this.#previous.splice(0, forgotten);
    this.compactRevision = revision;
  }

  /**
   * The revision to compact at, so that half the weight allowed is left: compaction is then rare and costs little
   * for each write. The newest revision always stays, however heavy.
   */
  halfWeightRevision(): number {
    let weight = this.#weight;
    const lastForgotten = this.#records.find((_, i) => {
      weight -= this.#weightAt(i);
      return weight <= this.#maxWeight / 2;
    })!;
    return Math.min(lastForgotten.modRevision, this.revision - 1);
  }

  checkReadable(revision: number): void {
    if (revision < this.compactRevision) throw compacted(revision, this.compactRevision);
    if (revision > this.revision) throw inFuture(revision, this.revision);
  }

  /** What the newest revision changed. */
  get newestChanges(): WatchResponse {
    const start = this.#indexAfter(this.revision - 1);
    return {
      revision: this.revision,
      events: this.#records.slice(start).map((_, i) => this.#eventAt(start + i)),
    };
  }

  /** What changed in a span above `revision`, revision by revision. */
  changesAfter(revision: number, span: KeySpan): WatchResponse[] {
    const changes: { revision: number; events: WatchEvent[] }[] = [];
    for (const event of this.#eventsAfter(revision, span)) {
      const last = changes.at(-1);
      if (last?.revision === event.kv.modRevision) last.events.push(event);
      else changes.push({ revision: event.kv.modRevision, events: [event] });
    }
    return changes;
  }

  /** The records that keys of a span had at `revision`, where they differ from now; undefined: there was none. */
  recordsBefore(revision: number, span: KeySpan): Map<string, KeyRecord | undefined> {
    this.checkReadable(revision);
    const records = new Map<string, KeyRecord | undefined>();
    for (const { kv, previous } of this.#eventsAfter(revision, span)) {
      if (!records.has(kv.key)) records.set(kv.key, previous);
    }
    return records;
  }

  #eventsAfter(revision: number, span: KeySpan): WatchEvent[] {
    if (revision < this.compactRevision) throw compacted(revision, this.compactRevision);
    const events: WatchEvent[] = [];
    for (let i = this.#indexAfter(revision); i < this.#records.length; i++) {
      if (spanHolds(span, this.#records[i]!.key)) events.push(this.#eventAt(i));
    }
    return events;
  }

  #eventAt(index: number): WatchEvent {
    const kv = this.#records[index]!;
    return { type: kv.version === 0 ? 'delete' : 'put', kv, previous: this.#previous[index] };
  }

  #weightAt(index: number): number {
    return weightOfChange(this.#records[index]!, this.#previous[index]);
  }

  /** Where the changes above `revision` begin. Who asks goes on to look at all of them, so a search could save little. */
  #indexAfter(revision: number): number {
    return this.#records.findLastIndex(({ modRevision }) => modRevision <= revision) + 1;
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
