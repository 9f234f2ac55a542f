import { DELETE, PUT, type KeyChange } from '../kvi/key-change.js';
import { resyncReason, watchResyncChannel } from '../kvi/channels.js';
import { spanOf } from '../kvi/keys.js';
import type { Snapshot } from '../kvi/kvi.js';
import type { HmEtcdLogger } from '../kvi/options.js';
import type { RunningTasks } from '../kvi/running-tasks.js';
import { announce } from '../store/channels.js';
import type { Clock } from '../store/clock.js';
import { ClosedError, type CompactedError, isHistoryGone, type StoreReplacedError } from '../store/errors.js';
import { pause } from '../store/pause.js';
import type { StorePlace } from '../store/store.js';
import type { ChangeSequence, ChangeSource } from './change-source.js';
import { describeError, describeThrown } from '../kvi/error-text.js';
import {
  CHANGES_FAILED,
  CHANGES_MISSED,
  CHANGES_RESYNCED,
  HANDLER_THREW,
  ON_ERROR_THREW,
} from './hmetcd.messages.js';
import type { KeyChangeErrorHandler, KeyChangeMetadata } from './key-change.metadata-accessor.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

export interface KeyChangeHandler {
  /** `Class.method` */
  readonly name: string;
  readonly mark: KeyChangeMetadata;
  readonly call: (change: KeyChange) => unknown;
  /** Told what a call threw. */
  readonly failed: KeyChangeErrorHandler;
}

/** Where to go on: the changes from `revision` on, without those of that revision that were handed over already. */
interface Position {
  readonly revision: number;
  readonly keysDone: Set<string>;
}

/** One handler on one range: its first pass, its changes one after the other, and what to do when they end. */
export class KeyChangeSubscription {
  private readonly stopped = new AbortController();
  /** The keys that exist as far as the handler was told, by their revisions; kept only for `initial`. */
  private readonly known = new Map<string, number>();
  private position: Position | undefined;
  /** Since the last change that was read. */
  private failures = 0;

  constructor(
    private readonly source: ChangeSource,
    private readonly handler: KeyChangeHandler,
    private readonly context: {
      readonly logger: HmEtcdLogger;
      readonly calls: RunningTasks;
      readonly clock: Clock;
      readonly place: StorePlace;
    },
  ) {}

  /** Resolves when the first pass is over and no later change will be missed. */
  async start(): Promise<void> {
    if (this.handler.mark.initial) await this.catchUp();
    const stream = await this.openStream();
    void this.follow(stream);
  }

  /** No call starts after this; one that runs goes on. */
  stop(): void {
    this.stopped.abort();
  }

  private get isStopped(): boolean {
    return this.stopped.signal.aborted;
  }

  /** With `initial` both kinds of change are needed, to know which keys exist. */
  private async openStream(): Promise<ChangeSequence> {
    const { range, op, initial, prevValue } = this.handler.mark;
    const stream = this.source.changes(range, {
      op: initial ? undefined : op,
      prevValue,
      fromRevision: this.position?.revision,
      signal: this.stopped.signal,
    });
    await stream.ready;
    return stream;
  }

  private async follow(firstStream: ChangeSequence): Promise<void> {
    let stream: ChangeSequence | undefined = firstStream;
    while (stream !== undefined) stream = await this.readToEnd(stream);
  }

  /** Answers the stream to go on with, undefined when it ended for good. */
  private async readToEnd(stream: ChangeSequence): Promise<ChangeSequence | undefined> {
    try {
      for await (const change of stream) {
        if (this.isStopped) return undefined;
        this.failures = 0;
        if (this.isNew(change)) await this.handOver(change);
      }
      return undefined;
    } catch (error) {
      return this.reopen(error);
    }
  }

  private async reopen(failure: unknown): Promise<ChangeSequence | undefined> {
    let error = failure;
    while (!this.isOver(error)) {
      try {
        await this.recover(error);
        return await this.openStream();
      } catch (next) {
        error = next;
      }
    }
    return undefined;
  }

  private isOver(error: unknown): boolean {
    return this.isStopped || error instanceof ClosedError;
  }

  private async recover(error: unknown): Promise<void> {
    this.report(error);
    await this.pause(error);
    if (!isHistoryGone(error)) return;
    if (this.handler.mark.initial) await this.readAnew(error);
    else this.position = undefined;
  }

  private async readAnew(error: CompactedError | StoreReplacedError): Promise<void> {
    await this.catchUp();
    if (this.isStopped) return;
    const revision = this.position!.revision - 1;
    announce(watchResyncChannel, () => ({
      ...this.context.place,
      ...spanOf(this.handler.mark.range),
      reason: resyncReason(error),
      revision,
    }));
  }

  /** A compaction is over when it is told, so the first try need not wait. */
  private async pause(error: unknown): Promise<void> {
    const failures = this.failures++;
    if (failures === 0 && isHistoryGone(error)) return;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
    await pause(this.context.clock, pauseMs, this.stopped.signal);
    this.stopped.signal.throwIfAborted();
  }

  private report(error: unknown): void {
    const { name, mark } = this.handler;
    if (!isHistoryGone(error)) {
      this.context.logger.error(CHANGES_FAILED(name, describeError(error), this.position === undefined));
    } else if (mark.initial) {
      this.context.logger.warn(CHANGES_RESYNCED(name));
    } else {
      this.context.logger.error(CHANGES_MISSED(name));
    }
  }

  /** Calls the handler for each difference between what it was told and what there is: at the start, for every key. */
  private async catchUp(): Promise<void> {
    const snapshot = await this.source.snapshot(this.handler.mark.range);
    for (const change of this.differences(snapshot)) {
      if (this.isStopped) return;
      await this.handOver(change);
    }
    this.position = { revision: snapshot.revision + 1, keysDone: new Set() };
  }

  private differences({ revision, entries }: Snapshot): KeyChange[] {
    const present = new Set(entries.map(({ key }) => key));
    const gone = [...this.known.keys()].filter((key) => !present.has(key));
    const changed = entries.filter((entry) => this.known.get(entry.key) !== entry.revision);
    return [
      ...gone.map((key): KeyChange => ({ key, revision, op: DELETE, value: undefined })),
      ...changed.map((entry): KeyChange => ({ ...entry, op: PUT })),
    ];
  }

  private async handOver(change: KeyChange): Promise<void> {
    if (this.handler.mark.initial) this.remember(change);
    const { op } = this.handler.mark;
    if (op !== undefined && op !== change.op) return;
    await this.context.calls.track(this.handler.name, this.call(change));
  }

  /** False for what comes a second time, because the stream was opened again in the middle of a revision. */
  private isNew({ key, revision }: KeyChange): boolean {
    if (revision !== this.position?.revision) this.position = { revision, keysDone: new Set() };
    const { keysDone } = this.position;
    if (keysDone.has(key)) return false;
    keysDone.add(key);
    return true;
  }

  private remember(change: KeyChange): void {
    if (change.op === PUT) this.known.set(change.key, change.revision);
    else this.known.delete(change.key);
  }

  private async call(change: KeyChange): Promise<void> {
    try {
      await this.handler.call(change);
    } catch (error) {
      this.context.logger.error(HANDLER_THREW(this.handler.name, describeThrown(error)));
      await this.tellOfFailure(error, change);
    }
  }

  private async tellOfFailure(failure: unknown, change: KeyChange): Promise<void> {
    try {
      await this.handler.failed(failure, change);
    } catch (error) {
      this.context.logger.error(ON_ERROR_THREW(this.handler.name, describeThrown(error)));
    }
  }
}
