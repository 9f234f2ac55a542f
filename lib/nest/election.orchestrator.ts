import { Inject, Injectable } from '@nestjs/common';
import { RunningTasks } from '../kvi/running-tasks.js';
import type { Connection } from './connection.settings.js';
import { ElectionCampaign, type ElectionHandler } from './election.campaign.js';
import type { ElectionDecorator } from './election.metadata-accessor.js';
import { HMETCD_CONNECTION, HMETCD_KVI } from './hmetcd.constants.js';
import { ELECTIONS_SKIPPED, NOBODY_TO_ELECT } from './hmetcd.messages.js';
import type { KviService } from './kvi.service.js';

/** Starts and stops the campaigns of a connection: one for each name that the explorer found a method for. */
@Injectable()
export class ElectionOrchestrator {
  private readonly handlers: ElectionHandler[] = [];
  private readonly running = new RunningTasks();
  private campaigns: ElectionCampaign[] = [];

  constructor(
    @Inject(HMETCD_KVI) private readonly kvi: Partial<KviService>,
    @Inject(HMETCD_CONNECTION) private readonly connection: Connection,
  ) {}

  add(handler: ElectionHandler): void {
    this.handlers.push(handler);
  }

  start(): void {
    this.warnOfUnelected();
    const names = this.namesOf('@OnElected');
    if (names.length === 0) return;
    if (typeof this.kvi.withLock !== 'function') return this.skip(names);
    this.campaigns = names.map((name) => this.campaignFor(name));
    for (const campaign of this.campaigns) void this.running.track('a campaign', campaign.run());
  }

  /** Waits, for at most `shutdownTimeoutMs`, until nothing is led any more. The campaigns name what takes longer. */
  async stop(): Promise<void> {
    for (const campaign of this.campaigns) campaign.stop();
    const { settings, opener } = this.connection;
    await this.running.drain(opener.clock, settings.shutdownTimeoutMs);
  }

  private campaignFor(name: string): ElectionCampaign {
    const { settings, options, opener } = this.connection;
    return new ElectionCampaign(
      name,
      this.handlers.filter(({ mark }) => mark.name === name),
      this.kvi as KviService,
      { ...settings, requestTimeoutMs: options.requestTimeoutMs, clock: opener.clock },
    );
  }

  /** Most likely a name was misspelt, and nothing else would tell. */
  private warnOfUnelected(): void {
    const elected = this.namesOf('@OnElected');
    for (const { name, mark } of this.handlers) {
      if (!elected.includes(mark.name))
        this.connection.settings.logger.warn(NOBODY_TO_ELECT(name, mark.name));
    }
  }

  private namesOf(decorator: ElectionDecorator): string[] {
    const marks = this.handlers.map(({ mark }) => mark).filter((mark) => mark.decorator === decorator);
    return [...new Set(marks.map(({ name }) => name))];
  }

  private skip(names: readonly string[]): void {
    this.connection.settings.logger.debug(ELECTIONS_SKIPPED(names));
  }
}
