import { Inject, Injectable } from '@nestjs/common';
import { RunningTasks } from '../kvi/running-tasks.js';
import { changeSource } from './change-source.js';
import { placeOf, type Connection } from './connection.settings.js';
import { HMETCD_CONNECTION, HMETCD_KVI } from './hmetcd.constants.js';
import { HANDLERS_SKIPPED, SLOW_HANDLERS } from './hmetcd.messages.js';
import { KeyChangeSubscription, type KeyChangeHandler } from './key-change.subscription.js';
import type { KviService } from './kvi.service.js';

/** Starts and stops the handlers that the explorer found. */
@Injectable()
export class KeyChangeOrchestrator {
  private readonly handlers: KeyChangeHandler[] = [];
  private readonly calls = new RunningTasks();
  private subscriptions: KeyChangeSubscription[] = [];

  constructor(
    @Inject(HMETCD_KVI) private readonly kvi: Partial<KviService>,
    @Inject(HMETCD_CONNECTION) private readonly connection: Connection,
  ) {}

  add(handler: KeyChangeHandler): void {
    this.handlers.push(handler);
  }

  /** Resolves when every first pass is over and no later change will be missed. */
  async start(): Promise<void> {
    if (this.handlers.length === 0) return;
    if (typeof this.kvi.changes !== 'function') return this.skip();
    this.subscriptions = this.handlers.map((handler) => this.subscribe(handler));
    try {
      await Promise.all(this.subscriptions.map((subscription) => subscription.start()));
    } catch (error) {
      this.stopCalling();
      throw error;
    }
  }

  /** Waits for the calls that run, for at most `shutdownTimeoutMs`, and names those that take longer. */
  async stop(): Promise<void> {
    this.stopCalling();
    const { settings, opener } = this.connection;
    const { shutdownTimeoutMs, logger } = settings;
    const slow = await this.calls.drain(opener.clock, shutdownTimeoutMs);
    if (slow.length > 0) logger.warn(SLOW_HANDLERS(slow, shutdownTimeoutMs));
  }

  private subscribe(handler: KeyChangeHandler): KeyChangeSubscription {
    return new KeyChangeSubscription(changeSource(this.kvi), handler, {
      logger: this.connection.settings.logger,
      calls: this.calls,
      clock: this.connection.opener.clock,
      place: placeOf(this.connection),
    });
  }

  private stopCalling(): void {
    for (const subscription of this.subscriptions) subscription.stop();
  }

  private skip(): void {
    this.connection.settings.logger.debug(HANDLERS_SKIPPED(this.handlers.map(({ name }) => name)));
  }
}
