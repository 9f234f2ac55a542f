import type { WatchEvent, WatchResponse } from '../../lib/store/store.js';

export type State = readonly (readonly [key: string, value: string])[];

/** What happened to the keys of a prefix, revision by revision, as the store itself told it. */
export class StoreRecord {
  readonly prefix: string;
  /** The revisions up to which history was given up. */
  readonly compactions = new Set<number>();
  readonly #events: WatchEvent[] = [];
  readonly #states: { readonly revision: number; readonly state: State }[] = [{ revision: 0, state: [] }];
  #revision = 0;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** Everything up to here has been taken in. */
  get revision(): number {
    return this.#revision;
  }

  add({ revision, events }: WatchResponse): void {
    const own = events.filter(({ kv }) => kv.key.startsWith(this.prefix));
    this.#events.push(...own);
    for (const event of own) this.#apply(event);
    this.#revision = revision;
  }

  /** In byte order, for plain keys. */
  stateAt(revision: number): State {
    return this.#states.findLast((known) => known.revision <= revision)!.state;
  }

  eventsFrom(revision: number): WatchEvent[] {
    return this.#events.filter(({ kv }) => kv.modRevision >= revision);
  }

  #apply({ type, kv: { key, value, modRevision } }: WatchEvent): void {
    const last = this.#states.at(-1)!;
    const others = last.state.filter(([other]) => other !== key);
    const state = type === 'delete' ? others : [...others, [key, value] as const].sort(byKey);
    // Only what a revision leaves behind counts.
    if (last.revision === modRevision) this.#states.pop();
    this.#states.push({ revision: modRevision, state });
  }
}

/** In the order of JavaScript, which for plain keys is that of bytes. */
export function byKey([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}
