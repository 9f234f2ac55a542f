/** The values of a status key. */
export const ALIVE = 'alive';
export const STALE = 'stale';

/** What the store holds on one node. For a moment, or after a crash, one of the two may be missing. */
export interface NodeEntry {
  readonly node: string;
  readonly status?: string;
  /** Milliseconds since 1970 as text: the key's value as it was read, so that a write can ask for this very one. */
  readonly heartbeat?: string;
}

/** What `GET /nodes` shows. */
export interface NodeView {
  readonly node: string;
  readonly status: string;
  readonly lastHeartbeat: string;
}

/** What is no time counts as never, so that a broken entry is swept away like an old one. */
export function lastHeartbeat(entry: NodeEntry): number {
  return new Date(Number(entry.heartbeat)).getTime() || 0;
}

/** @returns undefined for an entry that is just being written or removed: it is not shown */
export function toView(entry: NodeEntry): NodeView | undefined {
  const at = lastHeartbeat(entry);
  if (entry.status === undefined || at === 0) return undefined;
  return { node: entry.node, status: entry.status, lastHeartbeat: new Date(at).toISOString() };
}
