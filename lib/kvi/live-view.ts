import { compareBytes } from '../store/byte-order.js';
import type { KeySpan, WatchEvent } from '../store/store.js';
import { describeThrown } from './error-text.js';
import { DELETE, type KeyChange, PUT } from './key-change.js';
import type { LiveView, Snapshot, ViewListener } from './kvi.js';
import { Listeners } from './listeners.js';
import { type FollowContext, type Follower, RangeFollowing } from './range-following.js';
import { checkFunction, checkSignal, readFields } from './validate.js';

interface Entry {
  readonly value: string;
  /** Of the key's last change. */
  readonly revision: number;
}

/** A range as a map that is led from revision to revision, and tells its listeners of each change. */
export class RangeView implements LiveView, Follower {
  readonly #following: RangeFollowing;
  readonly #closing: AbortSignal;
  readonly #open: Set<RangeView>;
  readonly #listeners: Listeners<[KeyChange]>;
  readonly #entries = new Map<string, Entry>();
  #revision = 0;
  /** In byte order; made anew when it is asked for after keys came or went. */
  #sortedKeys: string[] | undefined;

  /**
   * @param closing aborts when the handle is closed, and the view with it
   * @param open all views of the handle; this one is among them for as long as it follows
   */
  constructor(
    label: string,
    span: KeySpan,
    context: FollowContext,
    closing: AbortSignal,
    open: Set<RangeView>,
  ) {
    this.#listeners = new Listeners((error) => {
      context.logger.error(`${label} has a listener that threw ${describeThrown(error)}`);
    });
    this.#following = new RangeFollowing(label, span, this, context);
    this.#closing = closing;
    this.#open = open;
  }

  /** Resolves when it shows a first snapshot and misses nothing after it. */
  async open(): Promise<this> {
    this.#closing.addEventListener('abort', this.#end);
    try {
      await this.#following.start();
      this.#closing.throwIfAborted();
      this.#open.add(this);
      return this;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  get revision(): number {
    return this.#revision;
  }

  get isCurrent(): boolean {
    return this.#following.behindMs === undefined;
  }

  /** For how many milliseconds it has had no watch to follow; undefined while it has one. */
  get brokenMs(): number | undefined {
    return this.#following.brokenMs;
  }

  get staleSince(): Date | undefined {
    const { behindMs } = this.#following;
    return behindMs === undefined ? undefined : new Date(Date.now() - behindMs);
  }

  onChange(listener: ViewListener): () => void {
    return this.#listeners.add(listener);
  }

  async sync(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = readFields<typeof options>('options', options, { signal: checkSignal });
    await this.#following.sync(signal);
  }

  async close(): Promise<void> {
    this.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): string | undefined {
    return this.#entries.get(key)?.value;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  *keys(): MapIterator<string> {
    yield* this.#keys;
  }

  *values(): MapIterator<string> {
    for (const [, value] of this) yield value;
  }

  *entries(): MapIterator<[string, string]> {
    for (const key of this.#keys) {
      const entry = this.#entries.get(key);
      if (entry !== undefined) yield [key, entry.value];
    }
  }

  [Symbol.iterator](): MapIterator<[string, string]> {
    return this.entries();
  }

  forEach(
    callback: (value: string, key: string, map: ReadonlyMap<string, string>) => void,
    thisArg?: unknown,
  ): void {
    checkFunction('callback', callback);
    for (const [key, value] of this) Reflect.apply(callback, thisArg, [value, key, this]);
  }

  advance(revision: number, events: readonly WatchEvent[]): void {
    this.#revision = revision;
    this.#tell(events.map((event) => this.#apply(event)));
  }

  /** Tells the differences in order of revision: what is gone has gone by that of the snapshot, as far as is known. */
  become({ revision, entries }: Snapshot): void {
    this.#revision = revision;
    const present = new Set(entries.map(({ key }) => key));
    const gone = this.#keys.filter((key) => !present.has(key));
    const changed = entries.filter((entry) => !this.#shows(entry)).sort((a, b) => a.revision - b.revision);
    this.#tell([
      ...changed.map((entry) => this.#put(entry.key, entry.value, entry.revision)),
      ...gone.map((key) => this.#delete(key, revision)),
    ]);
  }

  equals({ entries }: Snapshot): boolean {
    return entries.length === this.size && entries.every((entry) => this.#shows(entry));
  }

  #shows({ key, value, revision }: Snapshot['entries'][number]): boolean {
    const entry = this.#entries.get(key);
    return entry?.revision === revision && entry.value === value;
  }

  #apply({ type, kv }: WatchEvent): KeyChange {
    return type === 'put'
      ? this.#put(kv.key, kv.value, kv.modRevision)
      : this.#delete(kv.key, kv.modRevision);
  }

  #put(key: string, value: string, revision: number): KeyChange {
    const before = this.#entries.get(key);
    if (before === undefined) this.#sortedKeys = undefined;
    this.#entries.set(key, { value, revision });
    return { key, revision, op: PUT, value, ...prevValueOf(before) };
  }

  #delete(key: string, revision: number): KeyChange {
    const before = this.#entries.get(key);
    if (this.#entries.delete(key)) this.#sortedKeys = undefined;
    return { key, revision, op: DELETE, value: undefined, ...prevValueOf(before) };
  }

  /** When the map shows all of them already, so that a listener never sees half a transaction. */
  #tell(changes: readonly KeyChange[]): void {
    this.#listeners.tell(changes.map((change) => [change]));
  }

  readonly #end = (): void => {
    this.#closing.removeEventListener('abort', this.#end);
    this.#open.delete(this);
    this.#following.end();
    this.#listeners.clear();
  };

  get #keys(): readonly string[] {
    this.#sortedKeys ??= [...this.#entries.keys()].sort(compareBytes);
    return this.#sortedKeys;
  }
}

function prevValueOf(before: Entry | undefined): { prevValue?: string } {
  return before === undefined ? {} : { prevValue: before.value };
}
