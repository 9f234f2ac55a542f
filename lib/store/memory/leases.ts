import type { CancelTimer, Clock } from '../clock.js';
import { InvalidArgumentError, LeaseNotFoundError } from '../errors.js';
import type { Lease, LeaseId } from '../store.js';

/** etcd grants no less either: one and a half election timeouts, rounded up. */
const SHORTEST_TTL_SEC = 2;

/** etcd's own limit. */
const LONGEST_TTL_SEC = 9_000_000_000;

interface LeaseState {
  readonly ttlSec: number;
  readonly keys: Set<string>;
  deadline: number;
  cancelTimer: CancelTimer;
}

/** The leases and which keys live under them. A lease whose time is over is gone, whether its timer ran or not. */
export class Leases {
  readonly #clock: Clock;
  readonly #onExpire: (keys: ReadonlySet<string>) => void;
  readonly #states = new Map<LeaseId, LeaseState>();
  #granted = 0;

  /** @param onExpire told the keys of a lease that expired, after the lease is gone */
  constructor(clock: Clock, onExpire: (keys: ReadonlySet<string>) => void) {
    this.#clock = clock;
    this.#onExpire = onExpire;
  }

  grant(wishedTtlSec: number): Lease {
    if (wishedTtlSec > LONGEST_TTL_SEC) {
      throw new InvalidArgumentError(`A lease may not be longer than ${LONGEST_TTL_SEC} seconds.`);
    }
    const id = (++this.#granted).toString(16);
    const ttlSec = Math.max(Math.ceil(wishedTtlSec), SHORTEST_TTL_SEC);
    const deadline = this.#clock.now() + ttlSec * 1000;
    this.#states.set(id, { ttlSec, keys: new Set(), deadline, cancelTimer: this.#expireAt(id, deadline) });
    return { id, ttlSec };
  }

  keepAlive(id: LeaseId): number {
    const state = this.#live(id);
    if (state === undefined) return 0;
    state.deadline = this.#clock.now() + state.ttlSec * 1000;
    return state.ttlSec;
  }

  /** Forgets a lease and answers its keys, which are the caller's to delete. */
  end(id: LeaseId): ReadonlySet<string> {
    const state = this.#states.get(id);
    state?.cancelTimer();
    this.#states.delete(id);
    return state?.keys ?? new Set();
  }

  check(id: LeaseId): void {
    if (this.#live(id) === undefined) {
      throw new LeaseNotFoundError(`Lease ${id} is not known: it expired or was revoked.`);
    }
  }

  attach(id: LeaseId, key: string): void {
    this.#states.get(id)?.keys.add(key);
  }

  detach(id: LeaseId, key: string): void {
    this.#states.get(id)?.keys.delete(key);
  }

  #live(id: LeaseId): LeaseState | undefined {
    const state = this.#states.get(id);
    return state !== undefined && state.deadline > this.#clock.now() ? state : undefined;
  }

  /** A keep-alive only moves the deadline; the timer, when it runs, looks whether that has come. */
  #expireAt(id: LeaseId, time: number): CancelTimer {
    return this.#clock.setTimer(time - this.#clock.now(), () => this.#expireIfDue(id), { background: true });
  }

  #expireIfDue(id: LeaseId): void {
    const state = this.#states.get(id);
    if (state === undefined) return;
    if (state.deadline > this.#clock.now()) {
      state.cancelTimer = this.#expireAt(id, state.deadline);
      return;
    }
    this.#onExpire(this.end(id));
  }
}
