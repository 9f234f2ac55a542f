import type { Kvi } from '../../lib/kvi/kvi.js';
import { type KviOptions, resolveKviOptions } from '../../lib/kvi/options.js';
import { StoreKvi } from '../../lib/kvi/store-kvi.js';
import { MemoryDatabase } from '../../lib/store/memory/database.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import type { Store } from '../../lib/store/store.js';
import { InterceptedStore } from './intercepted-store.js';
import { TestClock } from '../../lib/testing/test-clock.js';
import { RecordingLogger } from './recording-logger.js';

/** Handles on one memory database, whose time a test moves and whose calls it disturbs. */
export class Workbench {
  readonly clock = new TestClock();
  readonly logger = new RecordingLogger();
  readonly database: MemoryDatabase;
  /** Another program on the same store. */
  readonly foreign: Store;
  readonly #handles: Kvi[] = [];

  constructor(options: { historyWeight?: number } = {}) {
    this.database = new MemoryDatabase({ clock: this.clock, ...options });
    this.foreign = new MemoryStore(this.database);
  }

  /** A handle, and the store that it alone goes through. */
  open(options: KviOptions = {}): { readonly kvi: Kvi; readonly store: InterceptedStore } {
    const store = new InterceptedStore(new MemoryStore(this.database));
    const kvi = new StoreKvi(store, resolveKviOptions({ logger: this.logger, ...options }), this.clock);
    this.#handles.push(kvi);
    return { kvi, store };
  }

  async keys(): Promise<string[]> {
    const { kvs } = await this.foreign.range({ key: '\0', rangeEnd: '\0' });
    return kvs.map(({ key }) => key).filter((key) => !key.startsWith('\0'));
  }

  async dispose(): Promise<void> {
    const closed = Promise.all(this.#handles.map((kvi) => kvi.close()));
    // What still runs after a failed test is given up, not waited for.
    await this.clock.advance(60_000);
    await closed;
  }
}
