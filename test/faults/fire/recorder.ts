import type { ClientDuplexStream } from '@grpc/grpc-js';
import { setTimeout as delay } from 'node:timers/promises';
import { DELETE, type KeyChange, PUT } from '../../../lib/kvi/key-change.js';
import type { Credentials } from '../../support/etcd/alarm.js';
import { stopLater, stopped } from '../../support/etcd/cleanup.js';
import { poll } from '../../support/etcd/poll.js';
import { rawClient, rawMetadata, rawToken } from '../../support/etcd/raw-services.js';
import { machineMs } from '../../support/machine-ms.js';
import { countBefore } from '../checkers/bisect.js';
import type { Interval } from '../checkers/history.js';

const TRY_AGAIN_MS = 100;
/** A member that says nothing for so long may be stopped, or cut off. */
const SILENCE_MS = 2000;

interface WatchAnswer {
  readonly created: boolean;
  readonly canceled: boolean;
  readonly cancelReason: string;
  readonly events: readonly {
    readonly type: 'Put' | 'Delete';
    readonly kv: { readonly key: Buffer; readonly value: Buffer; readonly modRevision: string };
  }[];
}

/**
 * Everything that happens in a store, from its first revision on, as its members tell it, without a part of the library
 * under test. It is complete: each revision of a store has a change, so a missing one would be seen.
 */
export class Recorder implements AsyncDisposable {
  /** Of keys that are not the library's own. */
  readonly changes: KeyChange[] = [];
  readonly #ports: readonly number[];
  readonly #over = new AbortController();
  readonly #done: Promise<void>;
  readonly #credentials: Credentials;
  /** When what was heard, in order. */
  readonly #heard: { readonly revision: number; readonly at: number }[] = [];
  #revision = 1;
  #failure: Error | undefined;

  /** @param ports where the members serve clients */
  constructor(ports: readonly number[], credentials: Credentials) {
    this.#ports = ports;
    this.#credentials = credentials;
    this.#done = this.#run();
    stopLater(this);
  }

  /** Every change up to this one has been recorded. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * From when another was heard of last until a revision was: it came to be about then, and was told by a member that may
   * have stood still meanwhile. Milliseconds of `machineMs`.
   */
  heard(revision: number): Interval {
    const place = countBefore(this.#heard, (one) => one.revision < revision);
    return { from: this.#heard[place - 1]?.at ?? 0, to: this.#heard[place]?.at ?? Infinity };
  }

  /** Resolves when all is recorded up to a revision. */
  async reaches(revision: number): Promise<void> {
    await poll(`the record comes to revision ${revision}`, () => {
      if (this.#failure !== undefined) throw this.#failure;
      return this.#revision >= revision || undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#done;
    stopped(this);
  }

  /** From one member to the next, whenever one fails or falls silent. */
  async #run(): Promise<void> {
    for (let turn = 0; !this.#over.signal.aborted && this.#failure === undefined; turn++) {
      await this.#follow(this.#ports[turn % this.#ports.length]!).catch(() => {});
      await delay(TRY_AGAIN_MS);
    }
  }

  async #follow(port: number): Promise<void> {
    const token = await rawToken(port, this.#credentials);
    const client = rawClient('Watch', port);
    const metadata = rawMetadata({ hasleader: 'true', token });
    const stream = (client['watch'] as (of: object) => ClientDuplexStream<object, WatchAnswer>)(metadata);
    const cancel = (): void => stream.cancel();
    this.#over.signal.addEventListener('abort', cancel);
    const silence = setTimeout(cancel, SILENCE_MS).unref();
    try {
      stream.write({
        createRequest: { key: Buffer.from([0]), rangeEnd: Buffer.from([0]), startRevision: this.#revision },
      });
      for await (const answer of stream) {
        silence.refresh();
        this.#take(answer as WatchAnswer);
      }
    } finally {
      clearTimeout(silence);
      this.#over.signal.removeEventListener('abort', cancel);
      client.close();
    }
  }

  /** The first revision that is asked for has been recorded before. */
  #take({ canceled, cancelReason, events }: WatchAnswer): void {
    if (canceled) throw new Error(cancelReason);
    let last = this.#revision;
    for (const { type, kv } of events) {
      const revision = Number(kv.modRevision);
      if (revision <= this.#revision) continue;
      if (revision > last + 1) this.#failure ??= new Error(`the record lacks revision ${last + 1}`);
      last = revision;
      const key = kv.key.toString();
      if (key.startsWith('\0')) continue;
      this.changes.push(
        type === 'Put'
          ? { op: PUT, key, revision, value: kv.value.toString() }
          : { op: DELETE, key, revision, value: undefined },
      );
    }
    this.#revision = last;
    this.#heard.push({ revision: last, at: machineMs() });
  }
}
