import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { KviService, LiveView } from 'nestjs-hmetcd';
import { type Observable, ReplaySubject } from 'rxjs';

const RETRY_AFTER_MS = 1000;

/**
 * What the store answers to a question, asked again after each change under a prefix. One question at a time: a burst of
 * changes costs two. One that fails is asked again until it is answered, for no later change may come to remind of it.
 */
export class LiveAnswer<T> {
  private readonly logger = new Logger(LiveAnswer.name);
  private readonly closing = new AbortController();
  private readonly subject = new ReplaySubject<T>(1);
  private isDue = false;
  private isAsking = false;

  /** The last answer, and those that come. */
  readonly answers: Observable<T> = this.subject.asObservable();

  /** @returns when there is a first answer */
  static async follow<T>(kvi: KviService, prefix: string, ask: () => Promise<T>): Promise<LiveAnswer<T>> {
    const answer = new LiveAnswer(await kvi.observe({ prefix }), ask);
    await answer.askAgain();
    return answer;
  }

  private constructor(
    private readonly view: LiveView,
    private readonly ask: () => Promise<T>,
  ) {
    view.onChange(() => this.askAgain());
  }

  /** Since when changes may have been made that nobody has asked after. */
  get staleSince(): Date | undefined {
    return this.view.staleSince;
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.subject.complete();
    await this.view.close();
  }

  private async askAgain(): Promise<void> {
    this.isDue = true;
    if (this.isAsking) return;
    this.isAsking = true;
    while (this.isDue && !this.closing.signal.aborted) {
      this.isDue = false;
      await this.askOnce();
    }
    this.isAsking = false;
  }

  private async askOnce(): Promise<void> {
    try {
      this.subject.next(await this.ask());
    } catch (error) {
      if (this.closing.signal.aborted) return;
      this.logger.warn(`Asked again in ${RETRY_AFTER_MS} ms: ${String(error)}`);
      this.isDue = true;
      await sleep(RETRY_AFTER_MS, undefined, { signal: this.closing.signal }).catch(ignoreAbort);
    }
  }
}

function ignoreAbort(): void {}
