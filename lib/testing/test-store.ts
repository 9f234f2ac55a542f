import type { Kvi } from '../kvi/kvi.js';
import { openOver } from '../kvi/open.js';
import { type HmEtcdLogger, type KviOptions, resolveKviOptions } from '../kvi/options.js';
import { HANDLE, KviService } from '../nest/kvi.service.js';
import { InvalidArgumentError } from '../store/errors.js';
import { MemoryDatabase } from '../store/memory/database.js';
import { MemoryStore } from '../store/memory/memory-store.js';
import { inNamespace } from '../store/namespaced-store.js';
import type { Store } from '../store/store.js';
import { Conditions } from './conditions.js';
import { DisturbedStore } from './disturbed-store.js';
import { Faults } from './faults.js';
import { TestClock } from './test-clock.js';

/** A store begins with it, and cannot be compacted there. */
const FIRST_REVISION = 1;

/** That handles come and go is no news in a test. */
const QUIET: HmEtcdLogger = {
  debug() {},
  log() {},
  warn: (message) => console.warn(message),
  error: (message) => console.error(message),
};

/**
 * A store in memory, with etcd's rules, for tests: any number of handles on it, each as another replica has one, a clock
 * that the test moves, and faults that it orders. Nothing of it outlives the test, nor keeps the process alive.
 *
 * @publicApi
 */
export class TestStore {
  /**
   * The time of the store and of all its handles. It goes on as real time does, so that what waits for a moment need not
   * be waited for by name; `clock.advance(ms)` adds to it, `clock.stop()` makes it stand still.
   */
  readonly clock = new TestClock();

  /** What goes wrong for every handle. */
  readonly faults: Faults;

  readonly #database: MemoryDatabase;
  readonly #connections = new Set<DisturbedStore>();
  readonly #faultsOf = new WeakMap<Kvi, Faults>();
  #compactRevision = FIRST_REVISION;

  constructor() {
    this.clock.start();
    this.#database = new MemoryDatabase({ clock: this.clock });
    this.faults = new Faults(() => this.#loseLeases([...this.#connections]));
  }

  /**
   * A handle of its own on this store, as another replica has one.
   *
   * @param options as for `open()`; `logger` is by default the console, for warnings and errors
   * @throws InvalidArgumentError; UnavailableError when the store does not answer within `connectTimeoutMs`
   */
  async open(options: KviOptions = {}): Promise<Kvi> {
    const resolved = resolveKviOptions({ logger: QUIET, ...options });
    const faults: Faults = new Faults(() => this.#loseLeases([store]));
    const conditions = new Conditions([faults, this.faults]);
    const store = new DisturbedStore(this.#database, this.clock, conditions, resolved.requestTimeoutMs);
    this.#connections.add(store);
    const kvi = await openOver(
      'the test store',
      async () => inNamespace(store, resolved.namespace),
      resolved,
      this.clock,
    );
    this.#faultsOf.set(kvi, faults);
    return kvi;
  }

  /**
   * What goes wrong for one handle, and for no other: its own network, as it were.
   *
   * @param kvi what `open` has answered, or the `KviService` of an application over this store
   * @throws InvalidArgumentError when it is a handle of another store
   */
  faultsOf(kvi: Kvi): Faults {
    const faults = this.#faultsOf.get(kvi instanceof KviService ? kvi[HANDLE] : kvi);
    if (faults === undefined) {
      throw new InvalidArgumentError('kvi must be a handle of this store, but was not opened on it.');
    }
    return faults;
  }

  /**
   * Gives up the history before the present revision, as an operator or etcd itself does. Watches that are cut off miss
   * what was changed meanwhile, and find that out when they are restored: `changes` end with CompactedError,
   * `@OnKeyChange` and views go on with what there is then.
   */
  compact(): void {
    const { revision } = this.#database.range({ key: '\0', keysOnly: true });
    if (revision === this.#compactRevision) return;
    this.#database.compact(revision);
    this.#compactRevision = revision;
  }

  /** @internal As another program sees the store, without a handle and whatever goes wrong. */
  connect(): Store {
    return new MemoryStore(this.#database);
  }

  async #loseLeases(connections: readonly DisturbedStore[]): Promise<void> {
    for (const connection of connections) connection.loseLeases();
    await this.clock.advance(0);
  }
}
