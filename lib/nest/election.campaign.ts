import { describeError, describeThrown } from '../kvi/error-text.js';
import type { HeldLock, Kvi } from '../kvi/kvi.js';
import type { HmEtcdLogger } from '../kvi/options.js';
import { RunningTasks } from '../kvi/running-tasks.js';
import type { Clock } from '../store/clock.js';
import { ClosedError } from '../store/errors.js';
import { pause } from '../store/pause.js';
import type { ElectionDecorator, ElectionMetadata } from './election.metadata-accessor.js';
import {
  ELECTED,
  ELECTION_FAILED,
  ELECTION_HANDLER_THREW,
  ELECTIONS_SKIPPED,
  LEADERSHIP_GIVEN_UP,
  SLOW_TERM,
} from './hmetcd.messages.js';
import { termUnder, type LeaderTerm } from './leader-term.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/** A lease is granted, then a key is put: whoever has been at it for longer waits in the queue. */
const CALLS_TO_STAND = 2;

export interface ElectionHandler {
  /** `Class.method (@OnElected)` */
  readonly name: string;
  readonly mark: ElectionMetadata;
  readonly call: (term: LeaderTerm) => unknown;
}

export interface CampaignContext {
  readonly logger: HmEtcdLogger;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  /** After that, whoever holds up the end of a term is named. */
  readonly shutdownTimeoutMs: number;
}

/** One candidate for one name: waits for the lock, serves a term, and stands again. */
export class ElectionCampaign {
  private readonly stopped = new AbortController();
  private terms = 0;
  /** Since the last time that this candidate led, or waited for it. */
  private failures = 0;

  constructor(
    private readonly name: string,
    private readonly handlers: readonly ElectionHandler[],
    private readonly kvi: Pick<Kvi, 'withLock'>,
    private readonly context: CampaignContext,
  ) {}

  /** Goes on until it is stopped or the connection closes; does not reject. */
  async run(): Promise<void> {
    while (!this.stopped.signal.aborted && (await this.stand()));
  }

  /** Leaves the queue, or ends the term. */
  stop(): void {
    this.stopped.abort(new ClosedError(LEADERSHIP_GIVEN_UP(this.name)));
  }

  /** Answers whether to stand again. */
  private async stand(): Promise<boolean> {
    const startedAt = this.context.clock.now();
    const { terms } = this;
    try {
      const options = { signal: this.stopped.signal };
      await this.kvi.withLock(this.name, options, (lock) => this.serve(lock));
      if (this.terms === terms) this.context.logger.debug(ELECTIONS_SKIPPED([this.name]));
      return false;
    } catch (error) {
      if (this.stopped.signal.aborted || error instanceof ClosedError) return false;
      if (this.terms === terms) await this.recover(error, startedAt);
      return true;
    }
  }

  private async recover(error: unknown, startedAt: number): Promise<void> {
    const { clock, logger, requestTimeoutMs } = this.context;
    if (clock.now() - startedAt > CALLS_TO_STAND * requestTimeoutMs) this.failures = 0;
    if (this.failures === 0) logger.error(ELECTION_FAILED(this.name, describeError(error)));
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.failures++, LONGEST_PAUSE_MS);
    await pause(clock, pauseMs, this.stopped.signal);
  }

  /** Ends when the term is over and no method of it runs any more: only then is the lock given back, or asked for again. */
  private async serve(lock: HeldLock): Promise<void> {
    const term = termUnder(lock, this.stopped.signal);
    const { clock, logger, shutdownTimeoutMs } = this.context;
    this.terms++;
    this.failures = 0;
    logger.log(ELECTED(this.name, term.fencingToken));
    const calls = new RunningTasks();
    this.callAll('@OnElected', term, calls);
    await untilAborted(term.signal);
    this.callAll('@OnDeposed', term, calls);
    const slow = await calls.drain(clock, shutdownTimeoutMs);
    if (slow.length > 0) logger.warn(SLOW_TERM(this.name, slow, shutdownTimeoutMs));
    await calls.allDone();
  }

  /** All at once: one may take as long as the term. */
  private callAll(decorator: ElectionDecorator, term: LeaderTerm, calls: RunningTasks): void {
    for (const handler of this.handlers) {
      if (handler.mark.decorator === decorator) void calls.track(handler.name, this.call(handler, term));
    }
  }

  private async call(handler: ElectionHandler, term: LeaderTerm): Promise<void> {
    try {
      await handler.call(term);
    } catch (error) {
      if (!tellsOfEnd(term, error))
        this.context.logger.error(ELECTION_HANDLER_THREW(handler.name, describeThrown(error)));
    }
  }
}

/** What was aborted by the term's signal throws its reason, or an error that it has caused. */
function tellsOfEnd({ signal }: LeaderTerm, error: unknown): boolean {
  return signal.aborted && [error, (error as Error | undefined)?.cause].includes(signal.reason);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve());
    if (signal.aborted) resolve();
  });
}
