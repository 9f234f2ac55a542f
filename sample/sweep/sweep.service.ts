import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { currentLock, DistLocked } from 'nestjs-hmetcd';
import { lastHeartbeat, type NodeEntry, STALE } from '../heartbeats/node.entry.js';
import { NodesService } from '../heartbeats/nodes.service.js';
import { LimitsService } from '../limits/limits.service.js';
import { SWEEP_LOCK } from './sweep.lock.js';

const SWEEP_EVERY_MS = 1000;

@Injectable()
export class SweepService {
  private readonly logger = new Logger(SweepService.name);

  constructor(
    private readonly nodes: NodesService,
    private readonly limits: LimitsService,
  ) {}

  /** Whoever gets the lock first sweeps for all; the others have nothing to wait for and skip their turn. */
  @DistLocked(0, { name: SWEEP_LOCK, onTimeout: 'skip' })
  @Interval(SWEEP_EVERY_MS)
  async sweep(): Promise<void> {
    const lock = currentLock();
    for (const entry of await this.nodes.list()) {
      // Once the lock is lost another instance sweeps: stop before the next write, not after the last.
      lock?.assertHeld();
      await this.judge(entry);
    }
  }

  private async judge(entry: NodeEntry): Promise<void> {
    const { staleAfterMs, removeStaleAfterMs } = this.limits.current;
    const silentMs = Date.now() - lastHeartbeat(entry);
    if (silentMs > staleAfterMs + removeStaleAfterMs) {
      if (await this.nodes.remove(entry)) this.logger.log(`${entry.node} stayed silent: removed`);
    } else if (silentMs > staleAfterMs && entry.status !== STALE) {
      if (await this.nodes.markStale(entry))
        this.logger.log(`${entry.node} has been silent for ${silentMs} ms: stale`);
    }
  }
}
