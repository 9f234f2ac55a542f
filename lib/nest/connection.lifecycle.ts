import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { connectionsOf, orAbandon } from './connection.registry.js';
import type { Connection } from './connection.settings.js';
import { DistLockedExplorer } from './dist-locked.explorer.js';
import { ElectionExplorer } from './election.explorer.js';
import { ElectionOrchestrator } from './election.orchestrator.js';
import { FromKeyExplorer } from './from-key.explorer.js';
import { HMETCD_CONNECTION, HMETCD_KVI } from './hmetcd.constants.js';
import { InstanceMarker } from './instance.marker.js';
import { KeyChangeExplorer } from './key-change.explorer.js';
import { KeyChangeOrchestrator } from './key-change.orchestrator.js';
import type { KviService } from './kvi.service.js';

/** What happens when, over the life of one connection in an application. */
@Injectable()
export class ConnectionLifecycle
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  private cancelClosing = (): void => {};

  constructor(
    @Inject(HMETCD_KVI) private readonly kvi: Partial<KviService>,
    @Inject(HMETCD_CONNECTION) private readonly connection: Connection,
    private readonly modules: ModulesContainer,
    private readonly lockedMethods: DistLockedExplorer,
    private readonly values: FromKeyExplorer,
    private readonly handlers: KeyChangeExplorer,
    private readonly orchestrator: KeyChangeOrchestrator,
    private readonly candidates: ElectionExplorer,
    private readonly elections: ElectionOrchestrator,
    private readonly marker: InstanceMarker,
  ) {}

  onModuleInit(): Promise<void> {
    return orAbandon(this.modules, async () => {
      this.lockedMethods.giveConnections();
      this.handlers.explore();
      this.candidates.explore();
      await this.values.openForScoped();
    });
  }

  /**
   * The marker comes last: an instance that is seen handles changes already. Nobody stands for election before every
   * connection is up: a leader whose start fails would keep the others waiting.
   */
  onApplicationBootstrap(): Promise<void> {
    return orAbandon(this.modules, async () => {
      this.lockedMethods.warnOfSharedDefaultLock();
      await this.orchestrator.start();
      await this.marker.announce();
      connectionsOf(this.modules).hasStarted(this.connection.settings.name, () => this.elections.start());
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.orchestrator.stop(), this.elections.stop()]);
    this.closeIfShutdownHangs();
  }

  async onApplicationShutdown(): Promise<void> {
    this.cancelClosing();
    await this.close();
  }

  /** A mock need not know how to close. */
  private async close(): Promise<void> {
    await this.kvi.close?.();
  }

  /**
   * Before `onApplicationShutdown` Nest waits for its HTTP server, which waits for every request, without a limit. A
   * request that waits for its lock's signal would wait for ever: only closing makes that signal abort.
   */
  private closeIfShutdownHangs(): void {
    const { settings, opener } = this.connection;
    // An error shows when `onApplicationShutdown` closes again.
    const close = (): void => void this.close().catch(() => {});
    this.cancelClosing = opener.clock.setTimer(settings.shutdownTimeoutMs, close, { background: true });
  }
}
