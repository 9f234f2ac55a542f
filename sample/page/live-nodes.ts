import type { KviService, LiveView } from 'nestjs-hmetcd';
import { Subject } from 'rxjs';
import { type NodeView, toView } from '../heartbeats/node.entry.js';
import { HEARTBEAT_PREFIX, heartbeatKey, STATUS_PREFIX, statusKey } from '../heartbeats/node.keys.js';
import type { NodeChange } from './page.events.js';

/** The nodes as they are now, without a read: two views, kept in step with the store, put together by node. */
export class LiveNodes {
  private readonly subject = new Subject<NodeChange>();

  readonly changes = this.subject.asObservable();

  static async follow(kvi: KviService): Promise<LiveNodes> {
    return new LiveNodes(
      await kvi.observe({ prefix: STATUS_PREFIX }),
      await kvi.observe({ prefix: HEARTBEAT_PREFIX }),
    );
  }

  private constructor(
    private readonly statuses: LiveView,
    private readonly heartbeats: LiveView,
  ) {
    statuses.onChange(({ key }) => this.tell(key.slice(STATUS_PREFIX.length)));
    heartbeats.onChange(({ key }) => this.tell(key.slice(HEARTBEAT_PREFIX.length)));
  }

  list(): NodeView[] {
    return [...this.heartbeats.keys()].flatMap((key) => this.view(key.slice(HEARTBEAT_PREFIX.length)) ?? []);
  }

  /** Since when nodes may have changed unseen. */
  get staleSince(): Date | undefined {
    return this.statuses.staleSince ?? this.heartbeats.staleSince;
  }

  async close(): Promise<void> {
    this.subject.complete();
    await Promise.all([this.statuses.close(), this.heartbeats.close()]);
  }

  private tell(node: string): void {
    this.subject.next({ node, view: this.view(node) });
  }

  private view(node: string): NodeView | undefined {
    return toView({
      node,
      status: this.statuses.get(statusKey(node)),
      heartbeat: this.heartbeats.get(heartbeatKey(node)),
    });
  }
}
