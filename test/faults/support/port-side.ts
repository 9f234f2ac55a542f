import assert from 'node:assert/strict';
import { CompactedError, HmEtcdError } from '../../../lib/store/errors.js';
import { FIRST_KEY, TO_LAST_KEY } from '../../../lib/store/key-span.js';
import type {
  KeySpan,
  LeaseId,
  Operation,
  Store,
  WatchRequest,
  WriteOperationOutcome,
  WriteOutcome,
} from '../../../lib/store/store.js';
import { leaseAt, rangeAt, txnAt, type Present } from '../../store/memory/histories.js';
import { MARK, type PortStep } from './port-sequences.js';
import { type TranscriptLine, WatchTranscript } from './watch-transcript.js';

/** A kind of store as the sequences need it. */
export interface Backend {
  readonly store: Store;
  /** Another connection to the same. */
  readonly other: Store;
  /** Forgets the history up to a revision. */
  readonly compact: (revision: number) => Promise<void>;
}

export const ALL = { key: FIRST_KEY, rangeEnd: TO_LAST_KEY };

const SETTLED = 'settled';

/** So many that no sequence comes to a revision that is no number of one. */
const FIRST_WRITES = 10;

/** Leaves nothing but revisions that are compacted, and answers the last of them. */
export async function wipe({ store, compact }: Backend): Promise<number> {
  for (let write = 0; write < FIRST_WRITES; write++) {
    await store.txn({ success: [{ type: 'put', key: 'a', value: '' }] });
  }
  const { revision } = await store.txn({ success: [{ type: 'delete', ...ALL }] });
  await compact(revision);
  return revision;
}

interface Refusal {
  readonly error: string;
  readonly code: string;
  readonly revision: number | undefined;
}

export type Outcome = { readonly answer: unknown } | Refusal;

/** What a call answered or threw: the class of an error, which tells no value. */
export async function outcomeOf(call: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { answer: await call() };
  } catch (error) {
    if (!(error instanceof HmEtcdError)) throw error;
    return refusalOf(error);
  }
}

function refusalOf(error: HmEtcdError): Refusal {
  assert.ok(!error.message.includes(MARK), `a value is in the message: ${error.message}`);
  const { name, code } = error;
  const revision = error instanceof CompactedError ? error.revision : undefined;
  return { error: name, code, revision };
}

/** Of what a write answered the part that a writer promises. */
export function writeOutcome({ succeeded, responses }: WriteOutcome): WriteOutcome {
  return {
    succeeded,
    responses: responses.map((response): WriteOperationOutcome =>
      response.type === 'txn' ? { type: 'txn', ...writeOutcome(response) } : { type: response.type },
    ),
  };
}

/** One of the two stores that are led through a sequence. What it answers counts revisions and leases from the start. */
export class PortSide {
  readonly #backend: Backend;
  readonly #base: number;
  readonly #leases: LeaseId[] = [];
  readonly #watches: { readonly span: KeySpan; readonly transcript: WatchTranscript }[] = [];
  readonly #refusals = new Set<string>();
  #compacted: number;
  #revision: number;
  #told = 0;

  private constructor(backend: Backend, base: number) {
    this.#backend = backend;
    this.#base = base;
    this.#revision = base;
    this.#compacted = base;
  }

  static async begin(backend: Backend): Promise<PortSide> {
    return new PortSide(backend, await wipe(backend));
  }

  /** What the step answered, as it can be compared with the other side's. */
  async do(step: PortStep): Promise<unknown> {
    const outcome = await this.#outcome(step);
    if ('error' in outcome) this.#refusals.add(`${step.do}: ${outcome.error}`);
    return this.#comparable(outcome);
  }

  /** Which steps were refused, and why. */
  get refusals(): ReadonlySet<string> {
    return this.#refusals;
  }

  /** How much the watches have told. */
  get told(): number {
    return this.#told;
  }

  /**
   * Writes a key of each span that is watched, and answers all that the watches have told up to that. Those that are
   * over are asked, too: nothing may follow.
   */
  async settle(): Promise<readonly unknown[]> {
    const keys = new Set(this.#watches.map(({ span }) => span.key));
    const success = [...keys].map((key): Operation => ({ type: 'put', key, value: SETTLED }));
    const { revision } = await this.#see(this.#backend.store.txn({ success }));
    return Promise.all(
      this.#watches.map(async ({ transcript }) => {
        await transcript.reached(revision);
        const lines = transcript.take();
        this.#told += lines.length;
        return this.#comparable(lines.map(readable));
      }),
    );
  }

  async end(): Promise<void> {
    await Promise.all(this.#watches.map(({ transcript }) => transcript.end()));
    await Promise.all(this.#leases.map((lease) => this.#backend.store.leaseRevoke(lease)));
  }

  #outcome(step: PortStep): Promise<Outcome> {
    const { store } = this.#backend;
    switch (step.do) {
      case 'txn':
        return told(() => this.#see(store.txn(txnAt(step, this.#present))));
      case 'write':
        return told(async () => {
          const answer = await this.#see(store.writer().write(txnAt(step, this.#present)));
          return { ...writeOutcome(answer), revision: answer.revision };
        });
      case 'range': {
        const { do: _, ...plan } = step;
        return outcomeOf(() => store.range(rangeAt(plan, this.#present)));
      }
      case 'revision':
        return outcomeOf(async () => ({ revision: await store.revision(FIRST_KEY) }));
      case 'grant':
        return outcomeOf(() => this.#grant(step.ttlSec));
      case 'grant and revoke':
        return outcomeOf(() => this.#grantAndRevoke(step.ttlSec));
      case 'keepAlive':
        return outcomeOf(() => store.leaseKeepAlive(leaseAt(step.lease, this.#present)));
      case 'revoke':
        return outcomeOf(() => this.#revoke(leaseAt(step.lease, this.#present)));
      case 'compact':
        return told(() => this.#compact(this.#revision - step.ago));
      case 'watch': {
        const { do: _, ago, ...span } = step;
        return outcomeOf(() => this.#watch({ ...span, afterRevision: this.#revision - ago }));
      }
      case 'cancel':
        return outcomeOf(() => this.#cancel(step.watch));
    }
  }

  get #present(): Present {
    return { revision: this.#revision, leases: this.#leases };
  }

  async #see<T extends { readonly revision: number }>(answering: Promise<T>): Promise<T> {
    const answer = await answering;
    this.#revision = answer.revision;
    return answer;
  }

  async #grant(ttlSec: number): Promise<unknown> {
    const lease = await this.#backend.store.leaseGrant(ttlSec);
    this.#leases.push(lease.id);
    return { ttlSec: lease.ttlSec };
  }

  async #grantAndRevoke(wishedSec: number): Promise<unknown> {
    const { id, ttlSec } = await this.#backend.store.leaseGrant(wishedSec);
    await this.#backend.store.leaseRevoke(id);
    return { ttlSec };
  }

  async #revoke(lease: LeaseId): Promise<unknown> {
    await this.#backend.store.leaseRevoke(lease);
    this.#revision = await this.#backend.store.revision(FIRST_KEY);
    return { revision: this.#revision };
  }

  async #compact(revision: number): Promise<void> {
    await this.#backend.compact(revision);
    this.#compacted = revision;
  }

  /** What is compacted an etcd connection may still have, for another watch of the same span. */
  async #watch(request: WatchRequest): Promise<void> {
    const { store, other } = this.#backend;
    const isGone = request.afterRevision < this.#compacted;
    const watch = await (isGone ? other : store).watch(request);
    this.#watches.push({ span: request, transcript: new WatchTranscript(watch, request.afterRevision) });
  }

  async #cancel(index: number): Promise<unknown> {
    const [watch] = this.#watches.splice(index, 1);
    await watch?.transcript.end();
    return watch?.transcript.take().map(readable);
  }

  /** Leases are named as each store likes: here they are called by their order. Of the future and of no key, revisions are as they are. */
  #comparable(answer: unknown): unknown {
    const text = JSON.stringify(answer, (name, value: unknown) => {
      if (name === 'lease' && value !== '') return this.#leases.indexOf(value as LeaseId);
      if (REVISIONS.has(name) && value !== 0) return (value as number) - this.#base;
      return value;
    });
    return text === undefined ? undefined : JSON.parse(text);
  }
}

const REVISIONS = new Set(['revision', 'createRevision', 'modRevision']);

/** Where etcd only says that a revision is compacted, not what it still has. */
async function told(call: () => Promise<unknown>): Promise<Outcome> {
  const outcome = await outcomeOf(call);
  return 'error' in outcome ? { ...outcome, revision: undefined } : outcome;
}

function readable(line: TranscriptLine): unknown {
  return line instanceof HmEtcdError ? refusalOf(line) : line;
}
