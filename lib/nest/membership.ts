import { describeThrown } from '../kvi/error-text.js';
import { PUT, type KeyChange } from '../kvi/key-change.js';
import type { LiveView } from '../kvi/kvi.js';
import { Listeners } from '../kvi/listeners.js';
import type { HmEtcdLogger } from '../kvi/options.js';
import { MEMBER_LISTENER_THREW } from './hmetcd.messages.js';
import { readInstance, type Instance } from './instance.js';

/**
 * Who is running, kept up to date: what `instances()` answers, and who comes and goes.
 *
 * It shows markers, not processes. An instance that was closed goes at once. One that died, or whose machine did, is seen
 * for up to `sessionTtlSec` and about two seconds more; after a restart or a new leader of etcd the time begins anew. One
 * that is stopped (SIGSTOP, a blocked event loop) or cut off goes likewise, and comes back by itself when it goes on. A
 * marker that somebody deletes does not come back.
 *
 * @publicApi
 */
export interface Membership extends AsyncDisposable {
  /** In order of their ids. */
  readonly instances: readonly Instance[];
  /** Neither closed nor cut off from the store. */
  readonly isCurrent: boolean;
  /** Since when others may have come or gone unseen; undefined while it is current. */
  readonly staleSince: Date | undefined;
  /**
   * Calls `listener` with each instance that comes from now on, when {@link instances} shows it already. Another process
   * under the same id is one that goes and one that comes. What a listener throws, or rejects with, is logged.
   *
   * @returns ends the calls
   */
  onJoined(listener: MemberListener): () => void;
  /** As {@link onJoined}, with each that goes. */
  onLeft(listener: MemberListener): () => void;
  /**
   * Waits until it shows everybody who was in the store when this was called, and nobody else.
   *
   * @throws RequestTimeoutError after `requestTimeoutMs`; the signal's reason; ClosedError
   */
  sync(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Ends it; {@link instances} stays as it is. Idempotent. The connection's end closes it too. */
  close(): Promise<void>;
}

/**
 * Is called with an instance that came or went; what it answers is not waited for.
 *
 * @publicApi
 */
export type MemberListener = (instance: Instance) => unknown;

/** The markers of a view of their prefix. */
export class MarkerMembership implements Membership {
  private readonly joined: Listeners<[Instance]>;
  private readonly left: Listeners<[Instance]>;

  constructor(
    private readonly prefix: string,
    private readonly view: LiveView,
    logger: HmEtcdLogger,
  ) {
    const onThrow = (error: unknown): void => {
      logger.error(MEMBER_LISTENER_THREW(prefix, describeThrown(error)));
    };
    this.joined = new Listeners(onThrow);
    this.left = new Listeners(onThrow);
    view.onChange((change) => this.take(change));
  }

  get instances(): readonly Instance[] {
    return [...this.view].flatMap(([key, value]) => readInstance(this.prefix, { key, value }) ?? []);
  }

  get isCurrent(): boolean {
    return this.view.isCurrent;
  }

  get staleSince(): Date | undefined {
    return this.view.staleSince;
  }

  onJoined(listener: MemberListener): () => void {
    return this.joined.add(listener);
  }

  onLeft(listener: MemberListener): () => void {
    return this.left.add(listener);
  }

  sync(options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.view.sync(options);
  }

  close(): Promise<void> {
    return this.view.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private take(change: KeyChange): void {
    const before = this.read(change.key, change.prevValue);
    const now = change.op === PUT ? this.read(change.key, change.value) : undefined;
    if (before !== undefined && now !== undefined && isSameProcess(before, now)) return;
    if (before !== undefined) this.left.tell([[before]]);
    if (now !== undefined) this.joined.tell([[now]]);
  }

  private read(key: string, value: string | undefined): Instance | undefined {
    return value === undefined ? undefined : readInstance(this.prefix, { key, value });
  }
}

/** A container that was restarted has its name and pid again. */
function isSameProcess(one: Instance, other: Instance): boolean {
  return one.host === other.host && one.pid === other.pid && one.startedAt === other.startedAt;
}
