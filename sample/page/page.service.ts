import { hostname } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { type Instance, KviService, type LiveView, type LockInfo } from 'nestjs-hmetcd';
import { defer, map, merge, type Observable, of, Subject, takeUntil, timer } from 'rxjs';
import { INSTANCE_PREFIX } from '../instances/instance.keys.js';
import { LimitsService } from '../limits/limits.service.js';
import { SWEEP_LOCK } from '../sweep/sweep.lock.js';
import { LiveAnswer } from './live-answer.js';
import { LiveNodes } from './live-nodes.js';
import type { PageEvent, Pulse } from './page.events.js';

const PULSE_EVERY_MS = 2000;

type Part = Pick<LiveView, 'staleSince' | 'close'>;

/** Follows the store once for all pages that are open. */
@Injectable()
export class PageService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly closing = new Subject<void>();
  /** What has begun, and is to be ended, also when the rest could not begin. */
  private readonly parts: Part[] = [];
  private nodes!: LiveNodes;
  private instances!: LiveAnswer<Instance[]>;
  private sweep!: LiveAnswer<LockInfo>;

  constructor(
    private readonly kvi: KviService,
    private readonly limits: LimitsService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { kvi } = this;
    this.nodes = this.keep(await LiveNodes.follow(kvi));
    this.instances = this.keep(await LiveAnswer.follow(kvi, INSTANCE_PREFIX, () => kvi.instances()));
    this.sweep = this.keep(await LiveAnswer.follow(kvi, `${SWEEP_LOCK}/`, () => kvi.lockInfo(SWEEP_LOCK)));
  }

  /** Begins with all there is, whenever it is subscribed to: who comes back after a break needs nothing from before. */
  readonly events: Observable<PageEvent> = defer(() =>
    merge(
      of<PageEvent>({ type: 'self', data: { host: hostname(), pid: process.pid } }),
      timer(0, PULSE_EVERY_MS).pipe(map(() => ({ type: 'pulse' as const, data: this.pulse() }))),
      defer(() => of({ type: 'nodes' as const, data: this.nodes.list() })),
      this.nodes.changes.pipe(map((data) => ({ type: 'node' as const, data }))),
      this.instances.answers.pipe(map((data) => ({ type: 'instances' as const, data }))),
      this.sweep.answers.pipe(map((data) => ({ type: 'sweep' as const, data }))),
      this.limits.changes.pipe(map((data) => ({ type: 'limits' as const, data }))),
    ).pipe(takeUntil(this.closing)),
  );

  /** The turn is for the streams' ends to be written before the server cuts what is open. */
  async beforeApplicationShutdown(): Promise<void> {
    this.closing.next();
    await Promise.all(this.parts.map((part) => part.close()));
    await nextTurn();
  }

  private keep<T extends Part>(part: T): T {
    this.parts.push(part);
    return part;
  }

  private pulse(): Pulse {
    const staleSince = this.parts.map((part) => part.staleSince).find((since) => since !== undefined);
    return { now: Date.now(), staleSince };
  }
}
