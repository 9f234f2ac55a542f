import { Injectable } from '@nestjs/common';
import { KviService } from 'nestjs-hmetcd';
import { ALIVE, type NodeEntry, STALE } from './node.entry.js';
import { HEARTBEAT_PREFIX, heartbeatKey, STATUS_PREFIX, statusKey } from './node.keys.js';

/** A heartbeat that no node sends: it marks an entry whose removal has begun. */
const REMOVED = '';

/** The only one that writes the nodes' keys, so that the order of writes can be read in one place. */
@Injectable()
export class NodesService {
  constructor(private readonly kvi: KviService) {}

  /**
   * The heartbeat goes first. A sweep compares it when it writes, so one that comes later fails, and the mark
   * of one that came before is seen, and lifted, by the lines below it.
   */
  async beat(node: string): Promise<void> {
    await this.kvi.store(heartbeatKey(node), String(Date.now()));
    const status = await this.kvi.get(statusKey(node));
    if (status === undefined) await this.kvi.createIfAbsent(statusKey(node), ALIVE);
    else if (status !== ALIVE) await this.kvi.tas(statusKey(node), status, ALIVE);
  }

  /**
   * Marks a node stale unless it has reported since it was read: the store compares and writes in one step,
   * so no report of any instance can slip in between.
   *
   * @returns whether it was marked
   */
  async markStale({ node, heartbeat }: NodeEntry): Promise<boolean> {
    if (heartbeat === undefined) return false;
    return this.kvi.transaction(heartbeatKey(node), '=', heartbeat, statusKey(node), STALE);
  }

  /**
   * Deletes a node's entry unless it has reported since it was read. A report between the claim and the last
   * delete is lost with the entry; the node's next one brings it back.
   *
   * @returns whether it was deleted
   */
  async remove(entry: NodeEntry): Promise<boolean> {
    if (!(await this.claimRemoval(entry))) return false;
    await this.kvi.delete(statusKey(entry.node));
    await this.kvi.delete(heartbeatKey(entry.node));
    return true;
  }

  async list(): Promise<NodeEntry[]> {
    // In this order: a status is written after its heartbeat, so no new node is seen with a status alone.
    const statuses = await this.kvi.getPrefix(STATUS_PREFIX);
    const heartbeats = await this.kvi.getPrefix(HEARTBEAT_PREFIX);
    const entries = new Map<string, NodeEntry>();
    for (const { key, value } of heartbeats) {
      const node = key.slice(HEARTBEAT_PREFIX.length);
      entries.set(node, { node, heartbeat: value });
    }
    for (const { key, value } of statuses) {
      const node = key.slice(STATUS_PREFIX.length);
      entries.set(node, { ...entries.get(node), node, status: value });
    }
    return [...entries.values()];
  }

  private claimRemoval({ node, heartbeat }: NodeEntry): Promise<boolean> {
    return heartbeat === undefined
      ? this.kvi.createIfAbsent(heartbeatKey(node), REMOVED)
      : this.kvi.tas(heartbeatKey(node), heartbeat, REMOVED);
  }
}
