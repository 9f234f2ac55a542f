import assert from 'node:assert/strict';
import { HmEtcdError } from '../../../lib/store/errors.js';
import type { Watch, WatchEvent, WatchResponse } from '../../../lib/store/store.js';

/** Generous: only for what never comes. */
const LONGEST_WAIT_MS = 10_000;

export type TranscriptLine = WatchEvent | 'ended' | 'nothing more came' | HmEtcdError;

/** All that a watch tells, read as soon as it comes. */
export class WatchTranscript {
  readonly #watch: Watch;
  readonly #lines: TranscriptLine[] = [];
  readonly #done: Promise<void>;
  #revision: number;
  #isOver = false;
  #wake = (): void => {};

  /** @param afterRevision nothing at or below it may be told */
  constructor(watch: Watch, afterRevision: number) {
    this.#watch = watch;
    this.#revision = afterRevision;
    this.#done = this.#read();
  }

  /** What was told since the last call. */
  take(): TranscriptLine[] {
    return this.#lines.splice(0);
  }

  /** Waits until the watch has told of that revision, or is over. */
  async reached(revision: number): Promise<void> {
    const timer = setTimeout(() => {
      this.#lines.push('nothing more came');
      this.#isOver = true;
      this.#wake();
    }, LONGEST_WAIT_MS);
    while (this.#revision < revision && !this.#isOver) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    clearTimeout(timer);
  }

  /** Ends the watch, and resolves when it has ended. Throws when it split or repeated a revision. */
  async end(): Promise<void> {
    this.#watch.cancel();
    await this.#done;
  }

  async #read(): Promise<void> {
    try {
      for (let next = await this.#watch.next(); next !== undefined; next = await this.#watch.next()) {
        this.#add(next);
        this.#wake();
      }
      this.#lines.push('ended');
    } catch (error) {
      if (!(error instanceof HmEtcdError)) throw error;
      this.#lines.push(error);
    } finally {
      this.#isOver = true;
      this.#wake();
    }
  }

  #add({ revision, events }: WatchResponse): void {
    if (events.length > 0) {
      assert.ok(events[0]!.kv.modRevision > this.#revision, 'a revision was told twice or split');
      assert.equal(events.at(-1)!.kv.modRevision, revision);
    }
    this.#revision = revision;
    this.#lines.push(...events);
  }
}
