import { FIRST_KEY } from '../../../lib/store/key-span.js';
import type { LeaseId, Store, WatchEvent, Writer, WriterSession } from '../../../lib/store/store.js';
import { type Present, txnAt } from '../../store/memory/histories.js';
import type { WriterStep } from './port-sequences.js';
import { ALL, type Backend, outcomeOf, wipe, writeOutcome } from './port-side.js';
import { WatchTranscript } from './watch-transcript.js';

const RECORDS = '\0hmetcd/';
const LEASES = 4;
const LEASE_SEC = 600;

/** The session of a writer, which takes a new lease after each that is lost. */
class Session implements WriterSession {
  readonly prefix = RECORDS;
  readonly #store: Store;
  #lease: Promise<LeaseId> | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  lease(): Promise<LeaseId> {
    this.#lease ??= this.#store.leaseGrant(LEASE_SEC).then(({ id }) => id);
    return this.#lease;
  }

  lost(): void {
    this.#lease = undefined;
  }

  /** As when it expires: who uses it has not heard. */
  async end(): Promise<void> {
    if (this.#lease !== undefined) await this.#store.leaseRevoke(await this.#lease);
  }
}

/**
 * One of the two stores that are written through a writer that records what it has done. Its records and its batches
 * make other revisions on etcd: what the writes answer, what they leave and what a watcher sees of each key are the same.
 */
export class WriterSide {
  readonly #backend: Backend;
  readonly #session: Session;
  readonly #writer: Writer;
  readonly #leases: LeaseId[];
  readonly #transcript: WatchTranscript;

  private constructor(backend: Backend, leases: LeaseId[], transcript: WatchTranscript) {
    this.#backend = backend;
    this.#session = new Session(backend.store);
    this.#writer = backend.store.writer(this.#session);
    this.#leases = leases;
    this.#transcript = transcript;
  }

  static async begin(backend: Backend): Promise<WriterSide> {
    const afterRevision = await wipe(backend);
    const leases: LeaseId[] = [];
    while (leases.length < LEASES) leases.push((await backend.store.leaseGrant(LEASE_SEC)).id);
    const watch = await backend.store.watch({ ...ALL, afterRevision });
    return new WriterSide(backend, leases, new WatchTranscript(watch, afterRevision));
  }

  /** What the step answered, and what is there after it. */
  async do(step: WriterStep): Promise<unknown> {
    const outcome = await this.#outcome(step);
    const { kvs } = await this.#backend.store.range(ALL);
    return this.#comparable({ outcome, kvs: kvs.filter(({ key }) => !key.startsWith(RECORDS)) });
  }

  /** What a watcher was told, key by key: writes of different keys may have travelled together. */
  async settle(): Promise<unknown> {
    const { revision } = await this.#backend.store.txn({
      success: [{ type: 'put', key: FIRST_KEY, value: '' }],
    });
    await this.#transcript.reached(revision);
    const ofKeys: Record<string, unknown[]> = {};
    for (const line of this.#transcript.take() as WatchEvent[]) {
      if (!line.kv.key.startsWith(RECORDS)) (ofKeys[line.kv.key] ??= []).push(line);
    }
    return this.#comparable(ofKeys);
  }

  async end(): Promise<void> {
    await this.#writer.idle();
    await this.#transcript.end();
    await this.#session.end();
    await Promise.all(this.#leases.map((lease) => this.#backend.store.leaseRevoke(lease)));
  }

  async #outcome(step: WriterStep): Promise<unknown> {
    const { store } = this.#backend;
    switch (step.do) {
      case 'write':
        return Promise.all(
          step.plans.map((plan) =>
            outcomeOf(async () => writeOutcome(await this.#writer.write(txnAt(plan, NO_PRESENT)))),
          ),
        );
      case 'put': {
        const { key, lease } = step;
        await store.txn({ success: [{ type: 'put', key, value: '', lease: this.#leases[lease] }] });
        return;
      }
      case 'revoke':
        await store.leaseRevoke(this.#leases[step.lease]!);
        this.#leases[step.lease] = (await store.leaseGrant(LEASE_SEC)).id;
        return;
      case 'end session':
        return this.#session.end();
    }
  }

  #comparable(answer: unknown): unknown {
    return JSON.parse(
      JSON.stringify(answer, (name, value: unknown) => {
        if (name === 'lease' && value !== '') return this.#leases.indexOf(value as LeaseId);
        return REVISIONS.has(name) ? undefined : value;
      }),
    );
  }
}

/** Such plans name no revision and no lease. */
const NO_PRESENT: Present = { revision: 0, leases: [] };

const REVISIONS = new Set(['createRevision', 'modRevision']);
