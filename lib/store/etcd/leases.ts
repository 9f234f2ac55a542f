import type { ILeaseGrantResponse } from 'etcd3';
import { LeaseNotFoundError, StoreReplacedError } from '../errors.js';
import type { Lease, LeaseId } from '../store.js';
import type { Calls } from './calls.js';
import { UnfitAnswerError } from './call-errors.js';
import { leaseFromWire, leaseToWire, toNumber } from './codec.js';
import { isInvalidToken } from './error-table.js';
import type { HistoryGuard } from './history-guard.js';
import { KeepAliveStream } from './keep-alive-stream.js';
import type { TokenSource } from './token.js';

const KEEP_ALIVE_MS = 1500;

/** A close that cannot reach the server does not wait for long: the lease expires by itself. */
const REVOKE_MS = 1000;

/** Leases, and the one stream that keeps them alive. */
export class Leases {
  readonly #calls: Calls;
  readonly #tokens: TokenSource;
  readonly #guard: HistoryGuard;
  /** Under which history a lease was granted. */
  readonly #generations = new Map<LeaseId, number>();
  #stream: KeepAliveStream | undefined;
  #streamToken: string | undefined;

  constructor(calls: Calls, tokens: TokenSource, guard: HistoryGuard) {
    this.#calls = calls;
    this.#tokens = tokens;
    this.#guard = guard;
  }

  /** A grant whose answer was lost is asked for anew: the lost lease has no keys and expires. */
  async grant(ttlSec: number): Promise<Lease> {
    const lease = await this.#calls.run({
      service: 'Lease',
      method: 'leaseGrant',
      payload: { TTL: ttlSec, ID: 0 },
      what: 'Granting a lease',
      isRepeatable: true,
      read: grantFromWire,
    });
    this.#generations.set(lease.id, this.#guard.generation);
    return lease;
  }

  /**
   * A leader that was cut off goes on answering keep-alives, in its old term, while the others let the lease
   * expire. So an answer counts only when a linearizable read that was asked for after it shows the same term.
   */
  async keepAlive(id: LeaseId): Promise<number> {
    const generation = this.#generations.get(id);
    if (generation !== undefined && generation !== this.#guard.generation) {
      throw new StoreReplacedError('The lease belongs to a history that is no longer there.');
    }
    const stream = await this.#openStream();
    const { header, TTL } = await stream.keepAlive(id, KEEP_ALIVE_MS).catch((error: unknown) => {
      if (isInvalidToken(error)) this.#tokens.refused(this.#streamToken);
      throw error;
    });
    if (Number(TTL) <= 0) return 0;
    const present = await this.#calls.presentHeader(stream.member, KEEP_ALIVE_MS);
    if (String(present.raft_term) !== header.raft_term) {
      stream.end();
      throw new Error('The keep-alive was answered in an old term.');
    }
    return Number(TTL);
  }

  async revoke(id: LeaseId): Promise<void> {
    this.#generations.delete(id);
    const call = { service: 'Lease', method: 'leaseRevoke', payload: { ID: leaseToWire(id) } } as const;
    await this.#calls
      .run({ ...call, what: 'Revoking a lease', isRepeatable: true, read: () => {} }, REVOKE_MS)
      .catch((error: unknown) => {
        if (!(error instanceof LeaseNotFoundError)) throw error;
      });
  }

  close(): void {
    this.#stream?.end();
  }

  async #openStream(): Promise<KeepAliveStream> {
    if (this.#stream !== undefined && !this.#stream.isOver) return this.#stream;
    const member = this.#calls.nextMember(this.#stream?.member);
    await member.settle(KEEP_ALIVE_MS);
    this.#streamToken = await this.#tokens.token(member, KEEP_ALIVE_MS);
    this.#stream = new KeepAliveStream(member, this.#streamToken);
    return this.#stream;
  }
}

/** @throws for what is no lease: what is put under none stays for ever, and one without time is over at once */
function grantFromWire({ ID, TTL }: ILeaseGrantResponse): Lease {
  const lease = { id: leaseFromWire(ID), ttlSec: toNumber(TTL) };
  if (!/^[0-9a-f]+$/.test(lease.id) || lease.ttlSec <= 0) throw new UnfitAnswerError();
  return lease;
}
