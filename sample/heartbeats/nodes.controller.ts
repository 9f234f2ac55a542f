import { Controller, Get } from '@nestjs/common';
import { lastHeartbeat, type NodeEntry, type NodeView } from './node.entry.js';
import { NodesService } from './nodes.service.js';

@Controller('nodes')
export class NodesController {
  constructor(private readonly nodes: NodesService) {}

  @Get()
  async list(): Promise<NodeView[]> {
    return (await this.nodes.list()).flatMap(toView);
  }
}

/** An entry that is just being written or removed is not shown. */
function toView(entry: NodeEntry): NodeView[] {
  const at = lastHeartbeat(entry);
  if (entry.status === undefined || at === 0) return [];
  return [{ node: entry.node, status: entry.status, lastHeartbeat: new Date(at).toISOString() }];
}
